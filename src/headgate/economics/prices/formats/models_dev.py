"""models.dev's `api.json`: models by provider, dollars per million tokens.

Format: the repository's `packages/core/src/schema.ts`. It knows one kind of cache write and no
tiers of service; prices of long prompts stand in `context_over_200k` or in `tiers`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from headgate.economics.prices.listed import Listed, in_order, number

NAME = "models.dev"

_METERS = {
    "input": "input_uncached",
    "cache_read": "cache_read",
    "cache_write": "cache_write_5m",
    "input_audio": "input_audio",
    "output": "output_text",
    "reasoning": "output_reasoning",
    "output_audio": "output_audio",
}
_OVER = "context_over_200k"
_OVER_TOKENS = 200_000


def recognises(document: Any) -> bool:
    """Tell whether a document is a map of providers with their models by id."""
    return isinstance(document, dict) and any(
        isinstance(entry, dict) and isinstance(entry.get("models"), dict)
        for entry in document.values()
    )


def read(document: Any) -> Iterator[Listed]:
    """Yield the prices of all providers."""
    for seller, provider in document.items():
        models = provider.get("models") if isinstance(provider, dict) else None
        for model, entry in models.items() if isinstance(models, dict) else ():
            cost = entry.get("cost") if isinstance(entry, dict) else None
            if not isinstance(cost, dict):
                continue
            for above, prices in _costs(cost):
                if prices:
                    yield Listed(NAME, seller, model, prices, min_prompt_tokens_exclusive=above)


def _costs(cost: Mapping[str, Any]) -> Iterator[tuple[int | None, dict[str, Decimal]]]:
    yield None, _prices(cost)
    over = cost.get(_OVER)
    if isinstance(over, dict):
        yield _OVER_TOKENS, _prices(over)
    tiers = cost.get("tiers")
    for tier in tiers if isinstance(tiers, list) else ():
        told = tier.get("tier") if isinstance(tier, dict) else None
        size = told.get("size") if isinstance(told, dict) else None
        if isinstance(size, int) and not (isinstance(over, dict) and size == _OVER_TOKENS):
            yield size, _prices(tier)


def _prices(cost: Mapping[str, Any]) -> dict[str, Decimal]:
    found = {meter: number(cost.get(field)) for field, meter in _METERS.items()}
    return in_order({meter: price for meter, price in found.items() if price is not None})
