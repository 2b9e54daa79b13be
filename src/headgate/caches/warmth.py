"""What is warm where: prefixes of prompts that a provider was seen to keep, and until when."""

from collections import OrderedDict
from typing import NamedTuple

from headgate.caches.prompt import Prompt

PREFIXES_MAX = 32_768
"""For each model at a provider; those that were not used for the longest time go first."""

Cache = tuple[str, str]
"""A provider's id and the model it is sent: who shares them shares a cache."""


class Prefix(NamedTuple):
    """A prefix that was sent.

    Attributes:
        tokens: How many of it the provider keeps; 0 when it was sent but is not kept.
        until_ns: When its lifetime ends, unless it is used again.
    """

    tokens: int
    until_ns: int


class Found(NamedTuple):
    """The longest prefix of a prompt that is known.

    Attributes:
        blocks: How many blocks it has; 0 when none is known.
        tokens: How many of it are kept.
    """

    blocks: int = 0
    tokens: int = 0


NOTHING = Found()


class Warmth:
    """Remembers prefixes by the hash of all their blocks, for each cache apart; bounded."""

    def __init__(self) -> None:
        self._caches: dict[Cache, OrderedDict[int, Prefix]] = {}

    def warm(self, cache: Cache, prompt: Prompt, now_ns: int) -> Found:
        """Return the longest prefix of a prompt that a cache keeps now."""
        return self._longest(cache, prompt, now_ns, tokens_min=1)

    def seen(self, cache: Cache, prompt: Prompt, now_ns: int) -> Found:
        """Return the longest prefix that was sent within a lifetime, kept or not."""
        return self._longest(cache, prompt, now_ns, tokens_min=0)

    def _longest(self, cache: Cache, prompt: Prompt, now_ns: int, *, tokens_min: int) -> Found:
        known = self._caches.get(cache)
        if not known:
            return NOTHING
        marks = prompt.marks
        for number in range(len(marks) - 1, -1, -1):
            prefix = known.get(marks[number])
            if prefix is None or prefix.tokens < tokens_min or prefix.until_ns <= now_ns:
                continue
            return Found(number + 1, prefix.tokens)
        return NOTHING

    def learn(self, cache: Cache, mark: int, prefix: Prefix, now_ns: int) -> None:
        """Remember that a prefix was sent; one that is kept stays so while it lives."""
        known = self._caches.setdefault(cache, OrderedDict())
        before = known.get(mark)
        if before is not None and before.until_ns > now_ns and before.tokens > prefix.tokens:
            prefix = Prefix(before.tokens, max(before.until_ns, prefix.until_ns))
        known[mark] = prefix
        known.move_to_end(mark)
        if len(known) > PREFIXES_MAX:
            known.popitem(last=False)
