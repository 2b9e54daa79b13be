"""From a prompt to a number of tokens: counted by a public tokenizer, or bounded by bytes."""

from typing import NamedTuple

from headgate.counting.prompt import Prompt
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX


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


def counted(prompt: Prompt, tokenizer: str, text_tokens: int) -> Count:
    """Count a prompt whose texts were counted.

    Args:
        prompt: What is counted of it.
        tokenizer: By which the texts were counted.
        text_tokens: What they came to together.
    """
    return Count(text_tokens + prompt.frame_tokens + prompt.image_tokens, text_tokens, tokenizer)


def byte_count(text: str) -> int:
    """Return the bytes of a text as UTF-8; a lone half of a pair counts as what stands for it."""
    return len(text.encode("utf-8", "surrogatepass"))
