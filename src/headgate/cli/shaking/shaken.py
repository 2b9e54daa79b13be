"""What a shock and an architecture change in a configuration; pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headgate.catalog.choice import in_force
from headgate.catalog.rows import TOKEN_METERS, PriceRow
from headgate.cli.shaking.document import Document
from headgate.config.snapshot import Snapshot
from headgate.economics.shocks.shock import Shock
from headgate.insights.drill import Past

CACHE_METERS = ("cache_read", "cache_write_5m", "cache_write_1h", "cache_write_24h")
_FRESH = "input_uncached"
_FEMTO_PER_MILLION = 10**9
"""So many femto-dollars a token are a dollar per million tokens."""
_USUAL_AT_ONCE: int = 1_024


def locked(document: Document, calls: Sequence[Past]) -> Document:
    """Return the same with the one deployment in each route that most of its spend went to."""
    spent: dict[str, Counter[str]] = {}
    for call in calls:
        spent.setdefault(call.asked, Counter())[call.deployment] += call.posted_nanos + 1
    routes = {}
    for alias, table in document["routes"].items():
        known = [name for name, _ in spent.get(alias, Counter()).most_common()]
        chosen = next((name for name in known if name in table["deployments"]), None)
        one = [chosen or table["deployments"][0]]
        gone = ("policy", "weights", "provider_shares", "deployments")
        kept = {name: value for name, value in table.items() if name not in gone}
        routes[alias] = kept | {"deployments": one}
    return {name: value for name, value in document.items() if name != "policies"} | {
        "routes": routes
    }


def is_routable(document: Document) -> bool:
    """Tell whether any route has more than one deployment: whether locking changes anything."""
    return any(len(table["deployments"]) > 1 for table in document["routes"].values())


def shaken(
    document: Document, snapshot: Snapshot, shock: Shock, provider: str, now: datetime
) -> Document:
    """Return the same with a provider's prices and places as they are under a shock."""
    made = dict(document)
    if shock.price_factor != 1 or not shock.cache_discount:
        rows = _rows(snapshot, shock, provider, now)
        made["prices"] = [*document.get("prices", []), *rows]
    if shock.in_flight_max is not None:
        made["deployments"] = {
            name: _narrowed(table, shock.in_flight_max) if table["provider"] == provider else table
            for name, table in document["deployments"].items()
        }
    return made


def _narrowed(table: Mapping[str, Any], at_once: int) -> Document:
    usual = table.get("concurrency_max", _USUAL_AT_ONCE)
    return {**table, "concurrency_max": min(usual, at_once)}


def _rows(snapshot: Snapshot, shock: Shock, provider: str, now: datetime) -> Iterator[Document]:
    """Yield a dated price row for every one in force for the provider's models."""
    now_ns = int(now.timestamp()) * 10**9
    seller = snapshot.providers[provider].seller
    models = {
        each.priced_as
        for each in snapshot.deployments.values()
        if each.provider == provider and each.seller == seller
    }
    for model in sorted(models):
        known = [row for row in snapshot.price_book.rows_of(seller, model) if row.known_at(None)]
        for row in in_force(known, now_ns):
            if row.prices_femto[TOKEN_METERS.index(_FRESH)] is not None:
                yield _row(row, shock, provider, now)


def _row(row: PriceRow, shock: Shock, provider: str, now: datetime) -> Document:
    prices = {
        meter: femto
        for meter, femto in zip(TOKEN_METERS, row.prices_femto, strict=False)
        if femto is not None
    }
    if not shock.cache_discount:
        prices |= {meter: prices[_FRESH] for meter in CACHE_METERS if meter in prices}
    made: Document = {
        "provider": provider,
        "model": row.model,
        "tier": row.tier,
        "valid_from": now,
        "currency": row.currency,
        "source": f"the shock {shock.name!r}",
        "per_million_tokens": {
            meter: _per_million(femto * shock.price_factor) for meter, femto in prices.items()
        },
    }
    if row.min_prompt_tokens_exclusive is not None:
        made["min_prompt_tokens_exclusive"] = row.min_prompt_tokens_exclusive
    if row.band is not None:
        made["band"] = row.band.name
    return made


def _per_million(femto: Fraction) -> str:
    return f"{Decimal(round(femto)) / _FEMTO_PER_MILLION:f}"
