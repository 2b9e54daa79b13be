"""What is warm where: prefixes of prompts that a provider was seen to keep, and until when."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from headgate.caches.prompt import Prompt

PREFIXES_MAX: Final = 32_768
"""For each model at a provider, and of those that were sent; the oldest go first."""

Cache = tuple[str, str]
"""A provider's id and the model it is sent: who shares them shares a cache."""


class Prefix:
    """A prefix that a provider keeps.

    Attributes:
        tokens: How many it has.
        until_ns: When its lifetime ends, unless it is used again.
    """

    __slots__ = ("tokens", "until_ns")

    def __init__(self, tokens: int, until_ns: int) -> None:
        self.tokens, self.until_ns = tokens, until_ns


class Warmth:
    """Remembers prefixes by the hash of all their blocks: what was sent, what is kept; bounded."""

    def __init__(self, prefixes_max: int = PREFIXES_MAX) -> None:
        self._prefixes_max = prefixes_max
        self._kept: dict[Cache, OrderedDict[int, Prefix]] = {}
        self._sent: OrderedDict[int, int] = OrderedDict()

    def tokens(self, cache: Cache, prompt: Prompt, now_ns: int) -> int:
        """Return the tokens of the longest prefix that a cache keeps now, 0 for none."""
        kept = self._kept.get(cache)
        if not kept:
            return 0
        for number in range(len(prompt.marks) - 1, -1, -1):
            prefix = kept.get(prompt.marks[number])
            if prefix is not None and prefix.until_ns > now_ns:
                return _inside(kept, prompt, number, now_ns) or prefix.tokens
        return _inside(kept, prompt, -1, now_ns)

    def keep(self, cache: Cache, mark: int, prefix: Prefix) -> None:
        """Remember that a cache keeps a prefix; a longer lifetime it has already stands."""
        kept = self._kept.setdefault(cache, OrderedDict())
        before = kept.get(mark)
        if before is not None and before.until_ns > prefix.until_ns:
            prefix = Prefix(prefix.tokens, before.until_ns)
        kept[mark] = prefix
        kept.move_to_end(mark)
        if len(kept) > self._prefixes_max:
            kept.popitem(last=False)

    def sent(self, prompt: Prompt, now_ns: int) -> int:
        """Return how many blocks the longest prefix has that was sent to anybody, 0 for none."""
        for blocks in range(len(prompt.marks), 0, -1):
            until_ns = self._sent.get(prompt.marks[blocks - 1])
            if until_ns is not None and until_ns > now_ns:
                return blocks
        return 0

    def send(self, mark: int, until_ns: int) -> None:
        """Remember until when a prefix counts as sent."""
        self._sent[mark] = until_ns
        self._sent.move_to_end(mark)
        if len(self._sent) > self._prefixes_max:
            self._sent.popitem(last=False)


def _inside(kept: Mapping[int, Prefix], prompt: Prompt, behind: int, now_ns: int) -> int:
    """Return the tokens up to a place inside of a text behind a block, 0 when none is kept."""
    for text in reversed(prompt.beginnings):
        if text.block <= behind:
            break
        if text.mark(0) not in kept:
            continue
        for number in range(len(text.digests) - 1, -1, -1):
            prefix = kept.get(text.mark(number))
            if prefix is not None and prefix.until_ns > now_ns and prefix.tokens:
                return prefix.tokens
    return 0
