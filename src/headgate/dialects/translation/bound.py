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
    parse_call: Callable[[bytes], Call],
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
        parse_call: Reads it.
        unsigned: Where thoughts without a signature may go.
    """
    if not any(mark in body for mark in marks):
        return None
    try:
        call = parse_call(body)
    except TranslationError:
        return None
    carried = [part for turn in call.turns for part in turn.parts]
    carried += [inner for part in carried if isinstance(part, ToolResult) for inner in part.parts]
    thoughts = [part for part in carried if isinstance(part, Thinking)]
    if any(isinstance(part, RedactedThinking | Foreign) for part in carried):
        return "native"
    if any(thought.signature for thought in thoughts):
        return "native"
    return unsigned if thoughts else None
