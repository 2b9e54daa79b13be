"""What a long session's prefix was measured at, so that its next call is not held for its bytes.

A body of 120 kB may be 30,000 tokens; bounding it by its bytes would set aside four times too
much, call after call. When a call is measured, the tokens of its whole prompt are remembered
for every block boundary of its body. A later body that is byte-equal up to a boundary has at
most those tokens up to there, plus one per byte of the rest.
"""

from collections import OrderedDict
from typing import Final

BLOCK_BYTES: Final = 8 << 10
ENTRIES_MAX: Final = 65_536
SEAM_TOKENS: Final = 16
"""A token may straddle the boundary and split differently before another continuation."""


EDITING_MARK: Final = b'"context_management"'
EDITING_BYTES: Final = 1_024


def _editing(body: bytes) -> bytes:
    """Return how the provider is told to edit the prompt; what it cut out was not measured."""
    at = body.rfind(EDITING_MARK)
    return b"" if at < 0 else body[at : at + EDITING_BYTES]


class PrefixMemory:
    """Measured prompt tokens by hash of the body's prefix, by principal and by deployment.

    The hash is Python's keyed one: its key is the node's and never leaves it, so a client cannot
    aim at a collision.
    """

    def __init__(self) -> None:
        self._tokens: OrderedDict[int, int] = OrderedDict()

    def marks(self, principal: str, deployment: str, body: bytes) -> list[int]:
        """Return a hash for each whole block of a body, each of all the bytes up to its end.

        The principal is part of it: a client sees how large its hold is, and that may not tell
        whether somebody else has sent the same text.
        """
        view = memoryview(body)
        mark = hash((principal, deployment, _editing(body)))
        marks = []
        for end in range(BLOCK_BYTES, len(body) + 1, BLOCK_BYTES):
            mark = hash((mark, hash(view[end - BLOCK_BYTES : end])))
            marks.append(mark)
        return marks

    def bound(self, marks: list[int], body_bytes: int) -> int | None:
        """Return a bound of the prompt's tokens; None when no prefix of it was measured."""
        for blocks in range(len(marks), 0, -1):
            tokens = self._tokens.get(marks[blocks - 1])
            if tokens is not None:
                return tokens + body_bytes - blocks * BLOCK_BYTES + SEAM_TOKENS
        return None

    def learn(self, marks: list[int], prompt_tokens: int) -> None:
        """Remember what a body was measured at."""
        for mark in marks:
            known = self._tokens.get(mark)
            if known is None or prompt_tokens < known:
                self._tokens[mark] = prompt_tokens
            self._tokens.move_to_end(mark)
        while len(self._tokens) > ENTRIES_MAX:
            self._tokens.popitem(last=False)
