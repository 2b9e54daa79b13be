"""Replies that are kept to be given again: the latest used, within a size and a time; pure."""

from collections import OrderedDict
from typing import NamedTuple

ENTRY_BYTES = 1_024
"""What a kept reply is reckoned at beside its texts: its key, its objects, its place."""


class Reply(NamedTuple):
    """A whole reply of status 200.

    Attributes:
        call: The call that it was made for.
        deployment: Which deployment made it.
        content_type: As that call's client was told it.
        lines: The header lines that a later client is told as well, each with its end.
        body: The whole body without its framing; of a stream all of its events.
        cost_nanos: What was posted for it.
        until_ns: When it is too old.
    """

    call: str
    deployment: str
    content_type: bytes
    lines: bytes
    body: bytes
    cost_nanos: int
    until_ns: int

    @property
    def size(self) -> int:
        """What it takes in memory, about."""
        return len(self.body) + len(self.lines) + ENTRY_BYTES


class Replies:
    """Kept replies by their keys; those used longest ago make room.

    Attributes:
        size: What they take together.
    """

    def __init__(self, bytes_max: int) -> None:
        self.size = 0
        self._bytes_max = bytes_max
        self._kept: OrderedDict[bytes, Reply] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: bytes, now_ns: int) -> Reply | None:
        """Return the reply that is kept under a key, None when there is none that is young."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found.until_ns <= now_ns:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, reply: Reply) -> None:
        """Keep a reply in place of the one before; not at all when it alone is too large."""
        if key in self._kept:
            self._drop(key)
        if reply.size > self._bytes_max:
            return
        self._kept[key] = reply
        self.size += reply.size
        while self.size > self._bytes_max:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self.size = 0

    def _drop(self, key: bytes) -> None:
        self.size -= self._kept.pop(key).size
