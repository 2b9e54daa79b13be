"""What the simulated providers charge: their list prices, as exact fractions.

The constants were typed by hand and are not read from the gateway's price book, so that
a mistake there shows as a difference between the two bills.
OpenAI: https://openai.com/api/pricing/
Anthropic: https://platform.claude.com/docs/en/about-claude/pricing
Google: https://ai.google.dev/gemini-api/docs/pricing
The date beside each model is the day since when its price is known to hold, or on which it
was observed. All are US dollars per million tokens, standard tier;
of images, seconds and characters per million as well.
"""

from dataclasses import dataclass
from fractions import Fraction

METERS = (
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_24h",
    "output",
    "input_image",
    "output_image",
    "input_audio",
    "output_audio",
    "image",
    "audio_second",
    "character",
    "request",
)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Unit prices by meter, for prompts above a threshold.

    Attributes:
        prompt_tokens_over: The row holds for the whole request once all its prompt tokens
            (uncached, read and written) exceed this number.
        unit_prices: Dollars per single token, by meter. A meter that is not named is not sold.
    """

    prompt_tokens_over: int
    unit_prices: dict[str, Fraction]


def _row(prompt_tokens_over: int, **per_million: str) -> PriceRow:
    prices = {meter: Fraction(price) / 1_000_000 for meter, price in per_million.items()}
    assert set(prices) <= set(METERS), "a price names an unknown meter"
    return PriceRow(prompt_tokens_over, prices)


PRICES: dict[str, tuple[PriceRow, ...]] = {
    # openai.com/api/pricing, since 2026-03-05.
    "gpt-5.4-2026-03-05": (
        _row(0, input_uncached="2.5", cache_read="0.25", output="15"),
        _row(272_000, input_uncached="5", cache_read="0.5", output="22.5"),
    ),
    # openai.com/api/pricing, since 2026-03-17.
    "gpt-5.4-mini-2026-03-17": (_row(0, input_uncached="0.75", cache_read="0.075", output="4.5"),),
    # openai.com/api/pricing, since 2026-04-23.
    "gpt-5.5-2026-04-23": (
        _row(0, input_uncached="5", cache_read="0.5", output="30"),
        _row(272_000, input_uncached="10", cache_read="1", output="45"),
    ),
    # openai.com/api/pricing, since 2026-07-30.
    "gpt-5.6-luna": (
        _row(
            0,
            input_uncached="0.2",
            cache_read="0.02",
            cache_write_5m="0.25",
            cache_write_24h="0.5",
            output="1.2",
        ),
        _row(
            272_000,
            input_uncached="0.4",
            cache_read="0.04",
            cache_write_5m="0.5",
            cache_write_24h="1",
            output="1.8",
        ),
    ),
    # openai.com/api/pricing, promotional price since 2026-08-21.
    "gpt-5.6-sol": (
        _row(
            0,
            input_uncached="4",
            cache_read="0.4",
            cache_write_5m="5",
            cache_write_24h="10",
            output="20",
        ),
        _row(
            272_000,
            input_uncached="8",
            cache_read="0.8",
            cache_write_5m="10",
            cache_write_24h="20",
            output="30",
        ),
    ),
    # platform.claude.com pricing, since 2026-05-28.
    "claude-opus-4-8": (
        _row(
            0,
            input_uncached="5",
            cache_read="0.5",
            cache_write_5m="6.25",
            cache_write_1h="10",
            output="25",
        ),
    ),
    # platform.claude.com pricing, since 2026-06-30.
    "claude-sonnet-5": (
        _row(
            0,
            input_uncached="2",
            cache_read="0.2",
            cache_write_5m="2.5",
            cache_write_1h="4",
            output="10",
        ),
    ),
    # platform.claude.com pricing, since 2025-10-15.
    "claude-haiku-4-5-20251001": (
        _row(
            0,
            input_uncached="1",
            cache_read="0.1",
            cache_write_5m="1.25",
            cache_write_1h="2",
            output="5",
        ),
    ),
    # platform.claude.com pricing, observed 2026-11-12.
    "claude-haiku-5-5": (
        _row(
            0,
            input_uncached="0.1",
            cache_read="0.01",
            cache_write_5m="0.125",
            cache_write_1h="0.2",
            output="0.5",
        ),
        _row(
            100_000,
            input_uncached="0.5",
            cache_read="0.05",
            cache_write_5m="0.625",
            cache_write_1h="1",
            output="2.5",
        ),
    ),
    # openai.com/api/pricing, since 2024-01-25.
    "text-embedding-3-small": (_row(0, input_uncached="0.02"),),
    # Images and sound as LiteLLM 1.81.10 lists them, observed 2026-11-26; a million of each meter.
    "gpt-image-1.5": (
        _row(0, input_uncached="5", output="10", input_image="8", output_image="32"),
    ),
    "dall-e-2 512x512": (_row(0, image="18000"),),
    "dall-e-2 1024x1024": (_row(0, image="20000"),),
    "dall-e-3 1024x1024": (_row(0, image="40000"),),
    "dall-e-3 hd 1024x1792": (_row(0, image="120000"),),
    "tts-1": (_row(0, character="15"),),
    "gpt-4o-mini-tts": (_row(0, input_uncached="0.6", output_audio="12"),),
    "whisper-1": (_row(0, audio_second="100"),),
    "gpt-4o-transcribe": (_row(0, input_uncached="2.5", input_audio="6", output="10"),),
    # OpenAI's guide to moderation: free to use.
    "omni-moderation-2024-09-26": (_row(0, request="0"),),
    # ai.google.dev pricing, since 2026-05-19.
    "gemini-3.5-flash": (_row(0, input_uncached="1.5", cache_read="0.15", output="9"),),
    # ai.google.dev pricing, since 2025-03-20.
    "gemini-2.5-pro": (
        _row(0, input_uncached="1.25", cache_read="0.125", output="10"),
        _row(200_000, input_uncached="2.5", cache_read="0.25", output="15"),
    ),
}


_FREE = (PriceRow(0, dict.fromkeys(METERS, Fraction(0))),)
"""For what only a stand-in serves: its bill counts, and names no price."""


def rows_of(served_model: str) -> tuple[PriceRow, ...]:
    """Return the price rows of a model, shortest prompts first."""
    return PRICES.get(served_model, _FREE)


def find_row(served_model: str, prompt_tokens: int) -> PriceRow:
    """Return the row that prices a whole request with `prompt_tokens` prompt tokens."""
    return next(
        row
        for row in reversed(rows_of(served_model))
        if prompt_tokens > row.prompt_tokens_over or row.prompt_tokens_over == 0
    )
