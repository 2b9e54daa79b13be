"""Usage: quantities on disjoint meters, so that a plain sum can never bill twice."""

from typing import NamedTuple

QUANTITY_MAX = 1_000_000_000
"""No attempt consumes more of anything; a larger count is none, and its cost has no place."""


class UsageError(ValueError):
    """A provider's counts contradict each other (a part exceeds its total)."""


class Usage(NamedTuple):
    """What one attempt consumed, each unit on exactly one meter; all at least zero.

    `cache_write_5m` is the default class of cache write (Anthropic's five minutes, OpenAI's
    in-memory cache). `output_reasoning` is thinking that is billed as output.
    """

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_24h: int = 0
    input_audio: int = 0
    output_text: int = 0
    output_reasoning: int = 0
    output_audio: int = 0
    web_search: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt; what long-context rows are chosen by."""
        return sum(self[:6])

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        return self.output_text + self.output_reasoning + self.output_audio

    def quantities(self) -> dict[str, int]:
        """Return the meters that are not zero, by name."""
        return {meter: count for meter, count in zip(METERS, self, strict=True) if count}


METERS: tuple[str, ...] = Usage._fields
INPUT_METERS: tuple[str, ...] = METERS[:6]
OUTPUT_METERS: tuple[str, ...] = ("output_text", "output_reasoning", "output_audio")
UNIT_METERS: tuple[str, ...] = (
    "input_image",
    "output_image",
    "image",
    "audio_second",
    "character",
    "request",
)
"""What calls that generate no text are billed by beside those: tokens of images, images by the
piece, seconds of sound begun, characters spoken, requests. Such a quantity stands in charge lines
alone."""
