"""`agreement`: two models, asked one after the other, answer the same.

Compared is what is said, without regard to case, to blanks and to how JSON is laid out; the tools
that are called, with their arguments. Long answers in words hardly ever agree: it is for short
ones, numbers, choices and JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headgate.records.conversation import Call, ToolUse
from headgate.records.reply import Reply
from headgate.routing.cascades.worth import Rates
from headgate.routing.verifiers.form import fault_of, text_of
from headgate.routing.verifiers.registry import ACCEPTED, Verdict

KIND = "agreement"
PRIOR = Rates(850_000, 200_000)
BLIND = 1
ASKS = False


def verify(call: Call, reply: Reply, before: Sequence[Reply]) -> Verdict:
    """Accept what a step before has said as well."""
    fault = fault_of(call, reply)
    if fault is not None:
        return Verdict(accepted=False, reason=fault)
    said = normal(reply)
    if any(normal(each) == said for each in before):
        return ACCEPTED
    return Verdict(accepted=False, reason="disagreement" if before else "first")


def normal(reply: Reply) -> tuple[str, ...]:
    """Return what an answer comes to: its words, and each tool it calls."""
    words = " ".join(_as_json(text_of(reply)).casefold().split()).rstrip(".")
    uses = [part for part in reply.parts if isinstance(part, ToolUse)]
    return (words, *(f"{use.name} {_as_json(use.arguments)}" for use in uses))


def _as_json(text: str) -> str:
    """Return a text as it is; JSON with its names in order and without blanks."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return msgspec.json.encode(value, order="sorted").decode()
