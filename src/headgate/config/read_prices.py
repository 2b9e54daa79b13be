"""`[[prices]]`: rows that are added to the built-in price book, or win over its own."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import partial
from typing import Any

from headgate.catalog.check import senseless
from headgate.catalog.exchange import USD
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow, parse_row
from headgate.config.check import checked
from headgate.config.entries import FIX, Entry, noted
from headgate.config.problems import Problems
from headgate.config.shapes_prices import PricesShape
from headgate.providers.settings import Provider

_OWN_KEYS = {"provider", "per_million_tokens", "per_unit", "source"}
_INSTEAD = {
    "model": "m",
    "valid_from": date(1970, 1, 1),
    "per_million_tokens": {"input": "1", "output": "1"},
    "per_unit": {"image": "1"},
}
"""What a key that a row needs is read as where it is wrong."""


def price_book_from(
    rows: object,
    builtin: PriceBook,
    providers: Mapping[str, Provider],
    provider_ids: Collection[str],
    problems: Problems,
) -> PriceBook:
    """Return the built-in book with the file's rows.

    Args:
        rows: The file's `prices`.
        builtin: The book to add to.
        providers: The good providers; a row is of its provider's seller.
        provider_ids: All providers of the file, so that a wrong one is not a problem twice.
        problems: Where problems are noted.
    """
    if not isinstance(rows, list):
        problems.add("prices", "This is not a list of tables.", "Write each row as [[prices]].")
        return builtin
    book = builtin
    for number, table in enumerate(rows, start=1):
        key = f"prices[{number}]"
        before = len(problems.found)
        shape = checked(table, key, PricesShape, problems)
        if not isinstance(table, dict):
            continue
        if shape.provider not in provider_ids:
            problems.unknown(f"{key}.provider", "provider", shape.provider, provider_ids)
        wrong = noted(problems.found[before:], key)
        provider = providers.get(shape.provider)
        if provider is None:
            # Nor can it be told which bands there are.
            wrong.update(("provider", "band"))
        seller = provider.seller if provider else ""
        entry = Entry(key, "", table, seller, wrong, PricesShape.__struct_fields__)
        row = entry.read(partial(_row, seller, book), _INSTEAD, problems)
        if row is None:
            continue
        try:
            book = book.with_rows([row])
        except PriceRowError as error:
            problems.add(key, f"The row {error}.", FIX)
    for finding in senseless(book) if rows else ():
        problems.add("prices", f"{finding.row}: {finding.message}.", "Correct the row.")
    return book


def _row(seller: str, book: PriceBook, table: dict[str, Any]) -> PriceRow:
    fields = {name: value for name, value in table.items() if name not in _OWN_KEYS}
    own_currency = table.get("currency", USD) != USD
    prefix = "per" if own_currency else "usd_per"
    for key, name in (("per_million_tokens", "million"), ("per_unit", "unit")):
        if key in table:
            fields[f"{prefix}_{name}"] = table[key]
    if "source" in table:
        fields["sources"] = [table["source"]]
    try:
        known_ns = instant_of(table["valid_from"])
    except PriceRowError as error:
        raise PriceRowError(f"valid_from: {error}") from error
    return parse_row(
        fields,
        seller=seller,
        bands=book.bands_of(seller),
        origin="configuration",
        default_recorded_at_ns=known_ns,
    )
