"""What a call says of earlier calls in its header: read here, and passed to the steward.

    x-headgate-outcome: call_abc=good, call_def=0.5;source=tests

What cannot be read refuses the call. What is read is passed on beside the call, which does not wait
for it: a vote on a call that is unknown or too old comes to nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.records.control import Control

VOTES_MAX: Final = 16
HEADER_BYTES_MAX: Final = 2_048
GOOD_MIN: Final = 0.5
_VOTE: Final = re.compile(
    r"([A-Za-z0-9_]{1,128})=(?:(good|bad)|([01](?:\.[0-9]{1,6})?|0?\.[0-9]{1,6}))"
    r"(?:;source=(user|tests|schema|judge|command))?"
)


def pass_on(control: Control, exchange: Exchange) -> Refusal | None:
    """Have the steward told what a call says of earlier ones; why it cannot be read, if so."""
    header, credential = exchange.request.head.outcome, exchange.request.credential
    assert header is not None
    assert credential is not None
    said = header.decode("latin-1").split(",")
    if len(header) > HEADER_BYTES_MAX or len(said) > VOTES_MAX:
        return _unreadable(f"It may have {VOTES_MAX} votes and {HEADER_BYTES_MAX} bytes.")
    bodies = [_body(each.strip()) for each in said]
    if None in bodies:
        return _unreadable("Write `CALL=good`, `CALL=bad` or `CALL=0.5`, with `;source=tests`.")
    for body in bodies:
        assert body is not None
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
        control.send(asked, _heard)
    return None


def votes_of(header: bytes) -> list[tuple[str, bool]]:
    """Return the calls that a header votes on, with whether they were found good.

    What cannot be read is left out: the call is refused for it.
    """
    read = (_VOTE.fullmatch(each.strip()) for each in header.decode("latin-1").split(","))
    return [(found[1], _is_good(found[2], found[3])) for found in read if found is not None]


def _is_good(verdict: str | None, score: str | None) -> bool:
    return verdict == "good" if score is None else float(score) >= GOOD_MIN


def _body(text: str) -> str | None:
    found = _VOTE.fullmatch(text)
    if found is None:
        return None
    call, verdict, score, source = found.groups()
    body: dict[str, object] = {"call": call, "source": source or "user"}
    if verdict is not None:
        body["verdict"] = verdict
    else:
        body["score"] = float(score)
    return msgspec.json.encode(body).decode()


def _unreadable(why: str) -> Refusal:
    return Refusal(errors.FEEDBACK_INVALID, why, "x-headgate-outcome")


def _heard(_reply: ControlReply | None) -> None:
    """Nobody waits for it."""
