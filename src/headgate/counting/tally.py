"""Counting texts by a public vocabulary, wherever that is loaded."""

from collections.abc import Callable, Sequence
from typing import Protocol

from headgate.counting.pieces import pieces


class Tokenizer(Protocol):
    """A public vocabulary at work."""

    def count(self, text: str, /) -> int | None:
        """Return how many tokens a text has, None when it is too long to tell at once."""


Tallied = Callable[[tuple[int, ...] | None], None]
"""Called once: with the tokens of all texts by each tokenizer; None when they were not counted."""


class Tallier(Protocol):
    """Whoever has texts counted in a process that has the vocabularies."""

    def tally(
        self, tokenizers: tuple[str, ...], texts: tuple[str, ...], tallied: Tallied, /
    ) -> None:
        """Have texts counted by each of some tokenizers; answers at once or later."""


def tally(texts: Sequence[str], tokenizer: Tokenizer) -> int | None:
    """Return the tokens of texts together, None when one of them cannot be counted exactly."""
    total = 0
    for text in texts:
        found = count_text(text, tokenizer)
        if found is None:
            return None
        total += found
    return total


def count_text(text: str, tokenizer: Tokenizer) -> int | None:
    """Return how many tokens a text has; None for a long one that has no place to cut it."""
    parts = pieces(text)
    if parts is None:
        return None
    total = 0
    for part in parts:
        found = tokenizer.count(part)
        if found is None:
            return None
        total += found
    return total
