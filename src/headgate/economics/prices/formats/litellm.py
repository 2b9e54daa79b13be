"""LiteLLM's `model_prices_and_context_window.json`: an entry per model, dollars per token.

Format: the repository's `model_prices_and_context_window.schema.json`. A field names its tier and
its length of prompt in its ending: `input_cost_per_token_above_272k_tokens_priority`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from headgate.economics.prices.listed import MILLION, STANDARD_TIER, Listed, in_order, number

NAME = "litellm"

_METERS = {
    "input_cost_per_token": "input_uncached",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_token": "output_text",
    "output_cost_per_reasoning_token": "output_reasoning",
    "output_cost_per_audio_token": "output_audio",
}
_TIERS = {"": STANDARD_TIER, "_batches": "batch", "_flex": "flex", "_priority": "priority"}
_SELLERS = {"gemini": "google"}
_MODES = {"chat", "completion", "responses", "embedding"}
_ENDING = re.compile(r"_(?:above_(\d+)k_tokens)|(_batches|_flex|_priority)(?=_|$)")


def recognises(document: Any) -> bool:
    """Tell whether a document is a map of entries that name their provider."""
    return isinstance(document, dict) and any(
        isinstance(entry, dict) and "litellm_provider" in entry for entry in document.values()
    )


def read(document: Any) -> Iterator[Listed]:
    """Yield the prices of a map."""
    for name, entry in document.items():
        if name == "sample_spec" or not isinstance(entry, dict) or entry.get("mode") not in _MODES:
            continue
        provider = str(entry.get("litellm_provider"))
        model = name.removeprefix(f"{provider}/")
        found: dict[tuple[str, int | None], dict[str, Decimal]] = {}
        for field, value in entry.items():
            place, price = _place(field), number(value)
            if place is not None and price is not None:
                meter, tier, above = place
                found.setdefault((tier, above), {})[meter] = price * MILLION
        flat = "off_peak_pricing" not in entry
        for (tier, above), prices in found.items():
            yield Listed(
                source=NAME,
                seller=_SELLERS.get(provider, provider),
                model=model,
                usd_per_million=in_order(prices),
                tier=tier,
                min_prompt_tokens_exclusive=above,
                flat=flat,
            )


def _place(field: str) -> tuple[str, str, int | None] | None:
    """Return meter, tier and length of prompt of a field, None when it is no price by the token."""
    tier, above = STANDARD_TIER, None
    for match in _ENDING.finditer(field):
        if match[1]:
            above = int(match[1]) * 1_000
        else:
            tier = _TIERS[match[2]]
    meter = _METERS.get(_ENDING.sub("", field))
    return None if meter is None else (meter, tier, above)
