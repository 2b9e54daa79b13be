"""Whether the prices of the file can be meant: what a start would refuse is not written."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from headgate.catalog.check import senseless
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.load import load_price_book
from headgate.catalog.rows import parse_row
from headgate.cli.moving.drafts import Price, Provider
from headgate.cli.moving.notes import Notes
from headgate.cli.moving.read_limits import shown
from headgate.providers.registry import providers as kinds_of_providers

SETTING: Final = "input_cost_per_token"
FIX: Final = "Write its price: a [[prices]] row."


def seller_of(provider: Provider) -> str:
    """Return whose prices hold at a provider."""
    return kinds_of_providers()[provider.kind].seller(provider.base_url) or provider.id


def usable(
    prices: Iterable[Price], providers: Mapping[str, Provider], today: date, notes: Notes
) -> Iterator[Price]:
    """Yield the prices that are taken, one for each model of a seller.

    Args:
        prices: Those of the file.
        providers: By id.
        today: From when they hold.
        notes: Where the others are noted.
    """
    book = load_price_book()
    found: dict[tuple[str, str], Price] = {}
    for price in prices:
        seller = seller_of(providers[price.provider])
        first = found.get((seller, price.model))
        if first is not None:
            if first.per_million != price.per_million:
                why = "Two entries say different prices for one model of a seller; the first holds."
                notes.add(SETTING, why, "Correct the [[prices]] row if it is wrong.", price.model)
            continue
        amounts = {meter: shown(amount) for meter, amount in price.per_million.items()}
        fields = {"model": price.model, "valid_from": today, "usd_per_million": amounts}
        try:
            row = parse_row(
                fields,
                seller=seller,
                bands=book.bands_of(seller),
                origin="configuration",
                default_recorded_at_ns=instant_of(today),
            )
            finding = next(iter(senseless(book.with_rows([row]))), None)
        except PriceRowError as error:
            notes.add(SETTING, f"It is no price that can be written: {error}.", FIX, price.model)
            continue
        if finding is not None:
            notes.add(SETTING, f"It cannot be meant: {finding.message}.", FIX, price.model)
            continue
        found[seller, price.model] = price
        yield price
