"""Where a conversation may go because of the state it carries."""

from collections.abc import Callable

from headgate.dialects.translation.fields import TranslationError
from headgate.records.conversation import (
    Bound,
    Call,
    Foreign,
    RedactedThinking,
    Thinking,
    ToolResult,
)


def bound_state(
    body: bytes,
    marks: tuple[bytes, ...],
    call: Call | Callable[[bytes], Call],
    *,
    unsigned: Bound | None,
) -> Bound | None:
    """Return where a conversation may go, None for anywhere.

    Signed and encrypted thoughts, files by id and results of tools at the provider mean something
    only to deployments that speak the dialect themselves.

    Args:
        body: The client's request.
        marks: Bytes of which at least one stands in every body that carries state: without them
            it is not looked into.
        call: What the body says where that is known, which is then looked at first; else reads it.
        unsigned: Where thoughts without a signature may go.
    """
    if isinstance(call, Call):
        found = _carried(call, unsigned)
        return found if found is not None and _is_marked(body, marks) else None
    if not _is_marked(body, marks):
        return None
    try:
        return _carried(call(body), unsigned)
    except TranslationError:
        return None


def _is_marked(body: bytes, marks: tuple[bytes, ...]) -> bool:
    return any(mark in body for mark in marks)


def _carried(call: Call, unsigned: Bound | None) -> Bound | None:
    parts = [part for turn in call.turns for part in turn.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    if any(isinstance(part, RedactedThinking | Foreign) for part in parts):
        return "native"
    if any(thought.signature for thought in thoughts):
        return "native"
    return unsigned if thoughts else None
