"""`POST /v1/outcomes`: what became of a call, run or session, as its principal tells it."""

from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta, Struct

from headgate.insights.outcomes import KINDS, Outcome, tell
from headgate.node.control.registry import Desk, Served, refused
from headgate.records.control import ControlReply, ControlRequest, OutcomeKind
from headgate.units import errors
from headgate.units.money import MoneyError, parse_usd

SECONDS_PER_MINUTE = 60


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body; exactly one of `call`, `run` and `session`.

    Attributes:
        value_usd: Dollars as text.
        human_minutes: Whole minutes that people worked on it.
    """

    success: bool
    call: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    run: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    session: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    value_usd: Annotated[str, Meta(max_length=32)] | None = None
    human_minutes: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    task: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    note: Annotated[str, Meta(max_length=1_000)] | None = None


class Said(TypedDict, total=False):
    """The answer: the one it is about, and whether it was a success."""

    call: str
    run: str
    session: str
    success: bool


SERVED = (Served("POST", None, "Say what became of it.", Told, Said, (errors.CALL_UNKNOWN,)),)

_decode = msgspec.json.Decoder(Told).decode


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Keep an outcome; a later one for the same subject takes its place."""
    if request.name:
        return refused(errors.PATH_UNKNOWN, "Post outcomes to /v1/outcomes.")
    try:
        told = _decode(request.body)
        value = None if told.value_usd is None else parse_usd(told.value_usd)
    except msgspec.ValidationError as error:
        return refused(errors.BODY_INVALID, f"{error}.")
    except msgspec.DecodeError as error:
        return refused(errors.BODY_MALFORMED, f"The body is not valid JSON: {error}.")
    except MoneyError as error:
        return refused(errors.BODY_INVALID, f"value_usd: {error}.")
    subjects = [kind for kind in KINDS if getattr(told, kind) is not None]
    if len(subjects) != 1:
        return refused(errors.BODY_INVALID, "Name one of `call`, `run` and `session`.")
    outcome = _outcome(request, told, subjects[0], value, desk.now_ns())
    desk.fold()
    with desk.engine.begin() as connection:
        if not tell(connection, outcome):
            message = f"This key has made no {outcome.kind} {outcome.subject!r}."
            return refused(errors.CALL_UNKNOWN, message)
    body = {outcome.kind: outcome.subject, "success": outcome.success}
    return ControlReply(200, msgspec.json.encode(body).decode())


def _outcome(
    request: ControlRequest, told: Told, kind: OutcomeKind, value: int | None, at_ns: int
) -> Outcome:
    minutes = told.human_minutes
    return Outcome(
        principal=request.principal,
        team=request.team,
        kind=kind,
        subject=getattr(told, kind),
        at_ns=at_ns,
        success=told.success,
        value_nanos=value,
        human_seconds=None if minutes is None else minutes * SECONDS_PER_MINUTE,
        task=told.task,
        note=told.note,
    )
