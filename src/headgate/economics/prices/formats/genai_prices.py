"""genai-prices' `data.json`: a list of providers, dollars per million tokens, some with dates.

Format: the repository's `prices/src/prices/prices_types.py`. A price is a number, or a base with
tiers by the length of the prompt; of several prices of a model the last whose constraint is met
holds.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from headgate.economics.prices.listed import Listed, in_order, number

NAME = "genai-prices"

_METERS = {
    "input_mtok": "input_uncached",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "input_audio_mtok": "input_audio",
    "output_mtok": "output_text",
    "output_audio_mtok": "output_audio",
}


def recognises(document: Any) -> bool:
    """Tell whether a document is a list of providers with a list of models."""
    return isinstance(document, list) and any(
        isinstance(entry, dict) and isinstance(entry.get("models"), list) for entry in document
    )


def read(document: Any) -> Iterator[Listed]:
    """Yield the prices of all providers; those of single hours are left out, and said to be."""
    for provider in _tables(document):
        for model in _tables(provider.get("models")):
            prices = model.get("prices")
            conditional = _tables(prices if isinstance(prices, list) else [{"prices": prices}])
            flat = not any("start_time" in _constraint(each) for each in conditional)
            for each in conditional:
                start = _constraint(each).get("start_date")
                if "start_time" not in _constraint(each) and isinstance(each.get("prices"), dict):
                    names = (str(provider.get("id")), str(model.get("id")))
                    day = date.fromisoformat(start) if isinstance(start, str) else None
                    yield from _read(names, each["prices"], day, flat=flat)


def _tables(value: Any) -> list[dict[str, Any]]:
    """Return the tables of a list, none when it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _constraint(priced: Mapping[str, Any]) -> Mapping[str, Any]:
    constraint = priced.get("constraint")
    return constraint if isinstance(constraint, dict) else {}


def _read(
    names: tuple[str, str], prices: Mapping[str, Any], start: date | None, *, flat: bool
) -> Iterator[Listed]:
    base: dict[str, Decimal] = {}
    longer: dict[int, dict[str, Decimal]] = {}
    for field, meter in _METERS.items():
        value = prices.get(field)
        if isinstance(value, dict):
            for tier in _tables(value.get("tiers")):
                price, above = number(tier.get("price")), number(tier.get("start"))
                if price is not None and above is not None:
                    longer.setdefault(int(above), {})[meter] = price
            value = value.get("base")
        price = number(value)
        if price is not None:
            base[meter] = price
    told = Listed(NAME, *names, in_order(base), valid_from=start, flat=flat)
    if base:
        yield told
    for tokens, own in longer.items():
        # A meter without a tier of its own keeps its price.
        yield told._replace(
            usd_per_million=in_order(base | own), min_prompt_tokens_exclusive=tokens
        )
