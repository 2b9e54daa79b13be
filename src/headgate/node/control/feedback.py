"""`POST /v1/feedback`: how good an answer was, or which of two was the better, by whoever asked.

{"call": "call_...", "verdict": "good"}
{"run": "nightly-7", "score": 0.5, "source": "tests", "label": "flaky"}
{"preferred": "call_...", "over": "call_..."}
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from headgate.insights import preferences, votes
from headgate.insights.judging import judged_of
from headgate.insights.preferences import Choice
from headgate.insights.votes import KINDS, PPM, Judged, Kind, Word
from headgate.node.control.registry import Desk, Served, refused
from headgate.records.control import ControlReply, ControlRequest
from headgate.routing.learning.settings import DAY_NS
from headgate.routing.learning.votes import Source
from headgate.units import errors
from headgate.units.errors import Refusal

MINUTE_NS = 60_000_000_000
Id = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body: one of `call`, `run`, `session` with a score or verdict; or two calls."""

    call: Id | None = None
    run: Name | None = None
    session: Name | None = None
    preferred: Id | None = None
    over: Id | None = None
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    verdict: Literal["good", "bad"] | None = None
    source: Source = "user"
    label: Name | None = None
    comment: Annotated[str, Meta(max_length=1_000)] | None = None


class Kept(Struct, frozen=True, omit_defaults=True):
    """The answer.

    Attributes:
        kept: `new`, `same` (it was said before, and counts once) or `changed`.
        model: Whose answer was judged; of two, the preferred one's.
        score: Within 0 and 1; left out of a choice between two.
    """

    kept: votes.Kept
    model: str
    deployment: str
    source: str | None = None
    score: float | None = None


_CODES = (
    errors.CALL_UNKNOWN,
    errors.FEEDBACK_UNANSWERED,
    errors.FEEDBACK_LATE,
    errors.FEEDBACK_LIMITED,
)
SERVED = (Served("POST", None, "Say how good an answer was.", Told, Kept, _CODES),)

_decode = msgspec.json.Decoder(Told).decode


class _Voter(NamedTuple):
    """Who speaks, and what there is to answer with."""

    request: ControlRequest
    desk: Desk
    connection: Connection


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Keep what is said of one's own calls; the last word of a voter and source counts."""
    if request.name:
        return refused(errors.PATH_UNKNOWN, "Post feedback to /v1/feedback.")
    try:
        told = _decode(request.body)
    except msgspec.ValidationError as error:
        return refused(errors.BODY_INVALID, f"{error}.")
    except msgspec.DecodeError as error:
        return refused(errors.BODY_MALFORMED, f"The body is not valid JSON: {error}.")
    wrong = _contradiction(told)
    if wrong is not None:
        return refused(errors.BODY_INVALID, wrong)
    desk.fold()
    with desk.engine.begin() as connection:
        voter = _Voter(request, desk, connection)
        kept = _too_many(voter) or (_choose(told, voter) if told.over else _vote(told, voter))
    if isinstance(kept, Refusal):
        return refused(kept.code, kept.message)
    return ControlReply(200, msgspec.json.encode(kept).decode())


def _contradiction(told: Told) -> str | None:
    """Tell what does not go together in a body, None when all does."""
    subjects = [kind for kind in KINDS if getattr(told, kind) is not None]
    if told.preferred is not None or told.over is not None:
        said = (told.score, told.verdict, told.label, told.comment)
        if told.preferred is None or told.over is None or subjects or any(each for each in said):
            return "A choice names two calls, `preferred` and `over`, and nothing else."
        return "Both are the same call." if told.preferred == told.over else None
    if len(subjects) != 1:
        return "Name one of `call`, `run` and `session`."
    if (told.score is None) == (told.verdict is None):
        return "Say one of `score`, within 0 and 1, and `verdict`, `good` or `bad`."
    return None


def _too_many(voter: _Voter) -> Refusal | None:
    request, desk, connection = voter
    since_ns, most = desk.now_ns() - MINUTE_NS, desk.snapshot.learning.votes_per_minute_max
    taken = votes.taken_since(connection, request.principal, since_ns)
    if taken + preferences.taken_since(connection, request.principal, since_ns) < most:
        return None
    message = f"This principal has voted {most} times within a minute; go on in a minute."
    return Refusal(errors.FEEDBACK_LIMITED, message)


def _vote(told: Told, voter: _Voter) -> Kept | Refusal:
    request, desk, connection = voter
    kind = next(kind for kind in KINDS if getattr(told, kind) is not None)
    subject = getattr(told, kind)
    about = _judged(voter, kind, subject)
    if isinstance(about, Refusal):
        return about
    score = told.score if told.score is not None else float(told.verdict == "good")
    word = Word(
        *(request.principal, request.team, kind, subject, told.source, round(score * PPM)),
        label=told.label,
        comment=told.comment if desk.snapshot.learning.keep_comments else None,
    )
    kept = votes.keep(connection, word, about, desk.now_ns())
    return Kept(kept, about.model, about.deployment, told.source, word.score_ppm / PPM)


def _choose(told: Told, voter: _Voter) -> Kept | Refusal:
    request, desk, connection = voter
    assert told.preferred is not None
    assert told.over is not None
    better, worse = (_judged(voter, "call", call) for call in (told.preferred, told.over))
    if isinstance(better, Refusal):
        return better
    if isinstance(worse, Refusal):
        return worse
    if better.model == worse.model:
        message = f"Both calls were answered by {better.model!r}: there is nothing to choose."
        return Refusal(errors.BODY_INVALID, message)
    choice = Choice(request.principal, request.team, told.preferred, told.over)
    kept = preferences.keep(connection, choice, (better, worse), desk.now_ns())
    return Kept(kept, better.model, better.deployment)


def _judged(voter: _Voter, kind: Kind, subject: str) -> Judged | Refusal:
    """Return the attempt that a subject stands for; others' are as unknown as what is not."""
    request, desk, connection = voter
    own = votes.own_attempts(request.principal, kind, subject)
    found: RowMapping | Literal[False] | None = votes.judged(connection, own)
    if found is False:
        return Refusal(errors.CALL_UNKNOWN, f"This key has made no {kind} {subject!r}.")
    if found is None:
        message = f"No provider has answered the {kind} {subject!r} yet."
        return Refusal(errors.FEEDBACK_UNANSWERED, message)
    days = desk.snapshot.learning.call_days_max
    if found["at_ns"] < desk.now_ns() - days * DAY_NS:
        message = f"The {kind} {subject!r} is more than {days} days old."
        return Refusal(errors.FEEDBACK_LATE, message)
    return judged_of(connection, found, desk.snapshot.deployments)
