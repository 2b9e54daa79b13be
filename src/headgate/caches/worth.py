"""What a prompt cache is worth, in whole nano-dollars by the price book; pure."""

from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.units.usage import Usage

_WRITES = ("cache_write_5m", "cache_write_1h", "cache_write_24h", "input_uncached")
"""Where tokens are found that were not read, the likeliest first."""


def warm_nanos(card: RateCard, tokens: int, prompt_tokens: int) -> int:
    """Return what it saves that `tokens` of a prompt are read instead of taken in anew.

    That is tokens x (uncached price - read price), at the row for a prompt of that length.
    """
    warm = min(tokens, prompt_tokens)
    cold = Usage(input_uncached=prompt_tokens)
    read = Usage(input_uncached=prompt_tokens - warm, cache_read=warm)
    return max(0, _less(card, cold, read))


def saved_nanos(card: RateCard, usage: Usage) -> int:
    """Return what a call would have cost more without a cache; negative where writing cost more."""
    plain = usage._replace(
        input_uncached=usage.prompt_tokens - usage.input_audio,
        cache_read=0,
        cache_write_5m=0,
        cache_write_1h=0,
        cache_write_24h=0,
    )
    return _less(card, plain, usage)


def missed_nanos(card: RateCard, usage: Usage, tokens: int) -> int:
    """Return what it cost that `tokens` of a call's prompt were not read.

    They are looked for among those written first, then among the uncached ones.
    """
    counts = usage._asdict()
    left = tokens
    for meter in _WRITES:
        taken = min(left, counts[meter])
        counts[meter] -= taken
        counts["cache_read"] += taken
        left -= taken
    return max(0, _less(card, usage, Usage(**counts)))


def written_nanos(card: RateCard, tokens: int) -> int:
    """Return what it costs more to write a prefix than to take it in as plain input."""
    return max(0, _less(card, Usage(cache_write_5m=tokens), Usage(input_uncached=tokens)))


def writing_pays(card: RateCard, tokens: int) -> bool:
    """Tell whether writing a prefix costs less than a single reading of it saves.

    Whoever came back once is expected to come back once more: no further guess is made.
    """
    try:
        cold = card.amount(Usage(input_uncached=tokens))[0]
        written = card.amount(Usage(cache_write_5m=tokens))[0]
        read = card.amount(Usage(cache_read=tokens))[0]
    except UnpricedMeterError:
        return False
    return written - cold < cold - read


def _less(card: RateCard, dear: Usage, cheap: Usage) -> int:
    """Return the difference of two costs; 0 when one has no price, for then nothing is known."""
    try:
        return card.amount(dear)[0] - card.amount(cheap)[0]
    except UnpricedMeterError:
        return 0
