"""From a prompt to a number of tokens: counted by a public tokenizer, or bounded by bytes."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from headgate.counting.pieces import pieces
from headgate.counting.prompt import Prompt
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX


class Tokenizer(Protocol):
    """A public vocabulary at work."""

    def count(self, text: str, /) -> int | None:
        """Return how many tokens a text has, None when it is too long to tell at once."""


class Count(NamedTuple):
    """How many tokens a prompt has.

    Attributes:
        tokens: All of them.
        text_tokens: Those of its texts: exact where `tokenizer` is named, else their bytes.
        tokenizer: By which its texts were counted, None when they were not.
    """

    tokens: int
    text_tokens: int
    tokenizer: str | None


def bounded(prompt: Prompt, hidden_tokens: int = HIDDEN_TOKENS_MAX) -> Count:
    """Bound a prompt for any model: a byte-level tokenizer makes at most one token of a byte.

    Args:
        prompt: What is counted of it.
        hidden_tokens: What a template that nobody has published puts around it, as for holds.
    """
    text_tokens = sum(map(byte_count, prompt.texts))
    around = prompt.frame_tokens + prompt.image_tokens + hidden_tokens
    return Count(text_tokens + around, text_tokens, None)


def counted(prompt: Prompt, tokenizer: str, tallies: Sequence[int]) -> Count:
    """Count a prompt whose texts were counted.

    Args:
        prompt: What is counted of it.
        tokenizer: By which the texts were counted.
        tallies: The tokens of each text.
    """
    text_tokens = sum(tallies)
    return Count(text_tokens + prompt.frame_tokens + prompt.image_tokens, text_tokens, tokenizer)


def tally(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[int, ...] | None:
    """Return the tokens of each text, None when one of them cannot be counted exactly."""
    tallies: list[int] = []
    for text in texts:
        found = count_text(text, tokenizer)
        if found is None:
            return None
        tallies.append(found)
    return tuple(tallies)


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


def byte_count(text: str) -> int:
    """Return the bytes of a text as UTF-8; a lone half of a pair counts as what stands for it."""
    return len(text.encode("utf-8", "surrogatepass"))
