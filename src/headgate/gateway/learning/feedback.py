"""What a call says of earlier calls in its header: read here, and passed to the steward.

    x-headgate-outcome: call_abc=good, call_def=0.5;source=tests

What cannot be read refuses the call. What is read is passed on beside the call, which does not wait
for it: a vote on a call that is unknown or too old comes to nothing. Whoever serves cascades learns
at once of a call that this worker has served, of others once the steward has taken the vote: calls
that nobody made are remembered by nobody.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.cascades.cascade_runs import Runs
    from headgate.gateway.exchange import Exchange
    from headgate.records.control import Control

VOTES_MAX: Final = 16
HEADER_BYTES_MAX: Final = 2_048
GOOD_MIN: Final = 0.5
_VOTE: Final = re.compile(
    r"([A-Za-z0-9_]{1,128})=(?:(good|bad)|([01](?:\.[0-9]{1,6})?|0?\.[0-9]{1,6}))"
    r"(?:;source=(user|tests|schema|judge|command))?"
)


def pass_on(control: Control, exchange: Exchange, runs: Runs | None) -> Refusal | None:
    """Let all know what a call says of earlier ones; why it cannot be read, if so.

    Args:
        control: Who gets it to the steward.
        exchange: The call.
        runs: Who serves cascades, None where nobody does.
    """
    header, credential = exchange.request.head.outcome, exchange.request.credential
    assert header is not None
    assert credential is not None
    said = header.decode("latin-1").split(",")
    if len(header) > HEADER_BYTES_MAX or len(said) > VOTES_MAX:
        return _unreadable(f"It may have {VOTES_MAX} votes and {HEADER_BYTES_MAX} bytes.")
    votes = [_vote(each.strip()) for each in said]
    if None in votes:
        return _unreadable("Write `CALL=good`, `CALL=bad` or `CALL=0.5`, with `;source=tests`.")
    for vote in votes:
        assert vote is not None
        call, good, body = vote
        asked = ControlRequest(
            "POST",
            "feedback",
            "",
            credential.principal,
            credential.team,
            credential.key,
            delegated=credential.delegation is not None,
            body=body,
        )
        is_served_here = runs is not None and runs.heard(call, credential.principal, good=good)
        answered = _answered if runs is None or is_served_here else partial(_taken, runs, asked)
        control.send(asked, answered)
    return None


def votes_of(header: bytes) -> list[tuple[str, bool]]:
    """Return the calls that a header votes on, with whether they were found good.

    What cannot be read is left out: the call is refused for it.
    """
    read = (_VOTE.fullmatch(each.strip()) for each in header.decode("latin-1").split(","))
    return [(found[1], _is_good(found[2], found[3])) for found in read if found is not None]


def _is_good(verdict: str | None, score: str | None) -> bool:
    return verdict == "good" if score is None else float(score) >= GOOD_MIN


def _vote(text: str) -> tuple[str, bool, str] | None:
    """Return the call that is voted on, whether it was found good, and what the steward is told."""
    found = _VOTE.fullmatch(text)
    if found is None:
        return None
    call, verdict, score, source = found.groups()
    body: dict[str, object] = {"call": call, "source": source or "user"}
    if verdict is not None:
        body["verdict"] = verdict
    else:
        body["score"] = float(score)
    return call, _is_good(verdict, score), msgspec.json.encode(body).decode()


def _unreadable(why: str) -> Refusal:
    return Refusal(errors.FEEDBACK_INVALID, why, "x-headgate-outcome")


def _answered(_reply: ControlReply | None) -> None:
    """Nobody waits for it."""


def _taken(runs: Runs, asked: ControlRequest, reply: ControlReply | None) -> None:
    """Have a vote that the steward has taken heard by whoever served the call."""
    if reply is not None and reply.code is None:
        runs.hear_posted(asked.principal, asked.body)
