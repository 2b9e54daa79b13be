"""`headgate prices as-of`: every price in force on a day, as known now or on another day."""

import json
from pathlib import Path
from typing import Annotated

import typer

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.cli import prices_text as text
from headgate.cli.output import hand_on, print_table, say
from headgate.cli.pricing.asked import instant, require_known
from headgate.cli.reading import read_configuration
from headgate.insights.prices import in_force

OwnConfig = Annotated[
    Path | None,
    typer.Option(
        "--config", help="A configuration whose prices count, too; default: the built-in ones."
    ),
]


def as_of(
    date: Annotated[str, typer.Argument(help="A date, or a date-time with offset.")],
    known_on: Annotated[
        str | None, typer.Option(help="As it was known then; default: as it is known now.")
    ] = None,
    seller: Annotated[str | None, typer.Option(help="Those of one seller.")] = None,
    config: OwnConfig = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the prices in force on a day, of every model and tier."""
    book, at_ns = book_of(config), instant(date)
    require_known(book, () if seller is None else (seller,))
    known_ns = None if known_on is None else instant(known_on)
    rows = [row for row in in_force(book, at_ns, known_ns) if seller in (None, row.seller)]
    listing = text.Listing(tuple((row, book.end_ns(row, known_ns)) for row in rows))
    if as_json:
        hand_on(json.dumps(listing.as_json(), indent=2))
        return
    print_table(listing.as_table())
    for note in listing.notes():
        say(note)


def book_of(config: Path | None) -> PriceBook:
    """Return a configuration's price book, else the built-in one.

    Raises:
        ConfigurationError: The configuration cannot be used.
    """
    return load_price_book() if config is None else read_configuration(config).price_book
