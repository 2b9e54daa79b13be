"""How many tokens drawing an image can take at most, by its size and quality.

Sources: OpenAI's table for GPT Image 1 (272, 1,056 and 4,160 tokens for a square of 1,024 pixels,
half as much again for 1,536 x 1,024), and for GPT Image 2 the formula behind its price calculator
as published in https://community.openai.com/t/1382699: with q = 16, 48 or 96 by quality, q tokens
along the long edge and proportionally many along the short one, times (2,000,000 + area) /
4,000,000. Of both the larger counts, at the aspect ratio that takes the most.
"""

import re

PIXELS_MAX = 3_840 * 2_160
"""The most pixels that any model takes: what `auto`, or no size, may come to."""

PARTIAL_TOKENS = 100
"""What each partial image of a stream adds."""

TEXT_TOKENS_MAX = 1_024
"""Room for what a model writes itself beside the image; no source bounds it."""

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_SQUARE = 1 << 20
_BY_SQUARE = {"low": 272, "medium": 1_056, "high": 4_160}
_BY_EDGE = {"low": 16, "medium": 48, "high": 96}
_OFFSET_PIXELS, _SCALE = 2_000_000, 4_000_000

UNBOUNDED_QUALITIES = frozenset({"xhigh", "max"})
"""Qualities whose tokens no source tells."""


def pixels_of(size: str | None) -> int | None:
    """Return the pixels of a size such as `1024x1536`; the most there are for `auto` or None.

    Returns:
        None for a text that is no size.
    """
    if size is None or size == "auto":
        return PIXELS_MAX
    found = _SIZE.fullmatch(size)
    return None if found is None else int(found[1]) * int(found[2])


def image_tokens_max(quality: str | None, pixels: int, partial_images: int) -> int:
    """Return the most output tokens of one image.

    Args:
        quality: As asked for; whatever is not known to take less counts as `high`.
        pixels: Of the image.
        partial_images: How many the stream shows before.
    """
    known = quality if quality in _BY_SQUARE else "high"
    by_square = -(-_BY_SQUARE[known] * pixels // _SQUARE)
    by_edge = -(-(_BY_EDGE[known] ** 2) * (_OFFSET_PIXELS + pixels) // _SCALE)
    return max(by_square, by_edge) + PARTIAL_TOKENS * partial_images + TEXT_TOKENS_MAX
