"""`[[prices]]`: rows that are added to the built-in price book, or win over its own."""

from collections.abc import Collection, Mapping
from datetime import date
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
from headgate.units.errors import Problem

_OWN_KEYS = {"provider", "per_million_tokens", "per_unit", "source"}
_FIX = "Correct the row; each of its keys is documented."
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
        wrong = {_key_of(found, key) for found in problems.found[before:]}
        provider = providers.get(shape.provider)
        seller = provider.seller if provider else None
        row = _read(table, key, seller, book, wrong, problems)
        if row is None:
            continue
        try:
            book = book.with_rows([row])
        except PriceRowError as error:
            problems.add(key, f"The row {error}.", _FIX)
    for finding in senseless(book) if rows else ():
        problems.add("prices", f"{finding.row}: {finding.message}.", "Correct the row.")
    return book


def _key_of(problem: Problem, table: str) -> str:
    return problem.key.removeprefix(f"{table}.").partition(".")[0]


def _read(
    table: dict[str, Any],
    key: str,
    seller: str | None,
    book: PriceBook,
    wrong: set[str],
    problems: Problems,
) -> PriceRow | None:
    """Return a row; None where it cannot be used, and then all that is wrong in it is noted.

    The catalog tells the first thing that is wrong. So the row is read again without each, until
    nothing else is found.

    Args:
        table: The row.
        key: Where it stands.
        seller: Whose price it is, None where that cannot be told; then its band cannot be either.
        book: What has the seller's bands.
        wrong: Keys of the table whose problems are noted already; those found are added.
        problems: Where problems are noted.
    """
    if seller is None:
        wrong.update(("provider", "band"))
    while True:
        good = {name: value for name, value in table.items() if name not in wrong}
        good |= {name: value for name, value in _INSTEAD.items() if name in wrong}
        try:
            row = _row(good, seller or "", book)
        except PriceRowError as error:
            name, sentence = _placed(str(error))
            if name in wrong:
                return None
            problems.add(f"{key}.{name}" if name else key, sentence, _FIX)
            if not name:
                return None
            wrong.add(name)
        else:
            return None if wrong else row


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
    """Split the catalog's message, `key: what is wrong`, into our key, if any, and a sentence."""
    head, _, rest = message.partition(": ")
    name = head.removeprefix("usd_")
    name = "per_million_tokens" if name == "per_million" else name
    if name not in PricesShape.__struct_fields__:
        return "", f"The row {message}."
    return name, f"{rest.rstrip('.')}."
