"""`[[prices]]`: rows that are added to the built-in price book, or win over its own."""

from collections.abc import Collection, Mapping
from typing import Any

from headgate.catalog.check import senseless
from headgate.catalog.exchange import USD
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow, parse_row
from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.shapes_prices import PricesShape
from headgate.providers.settings import Provider

_OWN_KEYS = {"provider", "per_million_tokens", "per_unit", "source"}


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
        if shape.provider not in provider_ids:
            problems.unknown(f"{key}.provider", "provider", shape.provider, provider_ids)
        provider = providers.get(shape.provider)
        if provider is None or len(problems.found) > before:
            continue
        try:
            book = book.with_rows([_row(table, provider.seller, book)])
        except PriceRowError as error:
            where, sentence = _placed(str(error))
            problems.add(key + where, sentence, "Correct the row; each of its keys is documented.")
    for finding in senseless(book) if rows else ():
        problems.add("prices", f"{finding.row}: {finding.message}.", "Correct the row.")
    return book


def _row(table: dict[str, Any], seller: str, book: PriceBook) -> PriceRow:
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


def _placed(message: str) -> tuple[str, str]:
    """Split the catalog's message, `key: what is wrong`, into our key and a sentence."""
    head, _, rest = message.partition(": ")
    name = head.removeprefix("usd_")
    name = "per_million_tokens" if name == "per_million" else name
    if name not in PricesShape.__struct_fields__:
        return "", f"The row {message}."
    return f".{name}", f"{rest.rstrip('.')}."
