"""Each session's last prompt, to compare its next one with; bounded."""

from collections import OrderedDict
from typing import Final

from headgate.caches.prompt import Prompt
from headgate.caches.warmth import Cache

SESSIONS_MAX: Final = 4_096
BLOCKS_KEPT_MAX: Final = 1 << 18
"""Of all sessions together: with its path, a block takes somewhat above 100 bytes."""
BLOCKS_PER_TEXT: Final = 6
"""What a long text begins with takes as much as so many blocks."""


class Last:
    """What a session sent last.

    Attributes:
        prompt: The prompt.
        cache: Where it was served.
        blocks: How many of its blocks were kept there.
        tokens: How many tokens that was.
        until_ns: When the lifetime of that ends.
    """

    __slots__ = ("blocks", "cache", "prompt", "tokens", "until_ns")

    def __init__(
        self, prompt: Prompt, cache: Cache, blocks: int, tokens: int, until_ns: int
    ) -> None:
        self.prompt, self.cache, self.blocks = prompt, cache, blocks
        self.tokens, self.until_ns = tokens, until_ns


class Sessions:
    """Last prompts by session."""

    def __init__(self, sessions_max: int = SESSIONS_MAX, blocks_max: int = BLOCKS_KEPT_MAX) -> None:
        self._sessions_max, self._blocks_max = sessions_max, blocks_max
        self._last: OrderedDict[int, Last] = OrderedDict()
        self._blocks = 0

    def get(self, session: int) -> Last | None:
        """Return what a session sent last, None when it is new or was forgotten."""
        return self._last.get(session)

    def keep(self, session: int, last: Last) -> None:
        """Remember what a session sent."""
        before = self._last.pop(session, None)
        if before is not None:
            self._blocks -= _blocks(before.prompt)
        self._last[session] = last
        self._blocks += _blocks(last.prompt)
        while len(self._last) > self._sessions_max or self._blocks > self._blocks_max:
            _, gone = self._last.popitem(last=False)
            self._blocks -= _blocks(gone.prompt)


def _blocks(prompt: Prompt) -> int:
    """Return what a prompt counts as."""
    return len(prompt.digests) + BLOCKS_PER_TEXT * len(prompt.beginnings)


def session_of(principal: str, named: bytes | None, prompt: Prompt) -> int | None:
    """Return the key of the session a prompt belongs to; None when there is none to tell.

    It is the name the client gives in a header; else the first block of the conversation, which
    stays as long as nothing is cut off, with what the provider's own field says beside it: that
    is often the user, who has many conversations.

    Args:
        principal: Whose it is; nobody shares a session with somebody else.
        named: The header's value, None without it.
        prompt: The prompt.
    """
    if named is not None:
        return hash((principal, named))
    first = prompt.begins_with()
    return None if first is None else hash((principal, prompt.identity, first))
