"""What holds for every conversation, whatever dialect it is said in."""

from collections.abc import Collection

from headgate.dialects.translation.fields import malformed
from headgate.records.conversation import ToolResult, ToolUse, Turn


def check(turns: Collection[Turn]) -> None:
    """Check that something is said, and that each tool's result answers a call before it, once.

    A call without a result is left to the provider: it may be the last turn.

    Raises:
        TranslationError: Nothing is said, a result answers nothing, or two calls of a turn have
            one id.
    """
    if not any(turn.parts for turn in turns):
        raise malformed("", "its messages say nothing.")
    waiting: set[str] = set()
    for turn in turns:
        called: set[str] = set()
        for part in turn.parts:
            if isinstance(part, ToolUse):
                if part.id in called:
                    raise malformed(part.at, f"the id {part.id[:64]!r} is that of another call.")
                called.add(part.id)
            elif isinstance(part, ToolResult):
                if part.id not in waiting:
                    raise malformed(part.at, f"no call {part.id[:64]!r} waits for this result.")
                waiting.discard(part.id)
        waiting |= called
