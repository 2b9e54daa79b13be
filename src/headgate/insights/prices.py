"""Price rows for people and programs: which are in force, and how they are written; pure."""

from collections.abc import Iterator
from decimal import Decimal

from headgate.catalog.fields import short_instant
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.rows import PriceRow
from headgate.insights.views import iso_or_none
from headgate.records.demand import STANDARD
from headgate.units.instants import to_iso
from headgate.units.usage import METERS, UNIT_METERS


def in_force(book: PriceBook, at_ns: int, known_at_ns: int | None = None) -> Iterator[PriceRow]:
    """Yield the list prices in force at an instant, of every model and tier, as then known."""
    book = book.without_contracts()
    tiers = dict.fromkeys((row.seller, row.model, row.tier) for row in book.rows)
    for seller, model, tier in sorted(tiers, key=_standard_first):
        terms = STANDARD._replace(tier=tier)
        yield from rows_of_card(book, book.rate_card(seller, model, terms, at_ns, known_at_ns))


def _standard_first(terms: tuple[str, str, str]) -> tuple[str, str, bool, str]:
    seller, model, tier = terms
    return seller, model, tier != STANDARD.tier, tier


def rows_of_card(book: PriceBook, card: RateCard | None) -> list[PriceRow]:
    """Return the rows a card was made of; none of an unpriced model."""
    if card is None:
        return []
    entries = [book.entry(rate.price_rows[0]) for rate in card.rates]
    return [entry for entry in entries if isinstance(entry, PriceRow)]


def row_json(row: PriceRow, end_ns: int | None) -> dict[str, object]:
    """Return a row as `headgate prices show --json` prints it, with the instant it ends."""
    prices = {meter: usd_per_million(row, meter) for meter in (*METERS, *UNIT_METERS)}
    return {
        "id": row.id,
        "seller": row.seller,
        "model": row.model,
        "tier": row.tier,
        "min_prompt_tokens_exclusive": row.min_prompt_tokens_exclusive,
        "band": row.band.name if row.band else None,
        "usd_per_million": {meter: price for meter, price in prices.items() if price is not None},
        "valid_from": to_iso(row.valid_from_ns) if row.start_is_known else None,
        "observed_at": iso_or_none(row.observed_at_ns),
        "valid_to": iso_or_none(end_ns),
        "recorded_at": to_iso(row.recorded_at_ns),
        "superseded_at": iso_or_none(row.superseded_at_ns),
        "promo": row.promo,
        "origin": row.origin,
        "sources": list(row.sources),
        "note": row.note,
    }


def usd_per_million(row: PriceRow, meter: str) -> str | None:
    """Return the exact dollars per million units, None when the meter is unpriced."""
    if meter in UNIT_METERS:
        price_femto = dict(row.units_femto).get(meter)
    else:
        price_femto = row.prices_femto[METERS.index(meter)]
    if price_femto is None:
        return None
    return f"{Decimal(price_femto).scaleb(-9).normalize():f}"


def start_of(row: PriceRow) -> str:
    """Return since when a row holds, and say so when that is not known."""
    if row.observed_at_ns is not None and not row.start_is_known:
        return f"? (seen {short_instant(row.observed_at_ns)})"
    return short_instant(row.valid_from_ns)
