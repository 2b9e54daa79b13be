"""What the subcommands of `headgate prices` are asked: instants, sellers and models."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from headgate.catalog.prices import PriceBook
from headgate.cli.output import fail
from headgate.config.problems import near
from headgate.units.instants import from_datetime

At = Annotated[str | None, typer.Option(help="A date, or a date-time with offset; default: now.")]


def instant(value: str | None) -> int:
    """Return the instant of an ISO date or date-time with offset, now when there is none."""
    if value is None:
        return from_datetime(datetime.now(UTC))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        fail(f"{value!r} is not a date or date-time.", "Write 2026-08-17 or 2026-08-17T01:00Z.")
    if moment.tzinfo is None:
        if "T" in value or " " in value:
            fail(f"{value!r} has no offset.", f"Write {value}Z when it is UTC.")
        moment = moment.replace(tzinfo=UTC)
    return from_datetime(moment)


def require_known(book: PriceBook, names: Iterable[str]) -> None:
    """Refuse the name of a seller, or seller and model, that the price book has no row of."""
    models = book.models()
    known = {seller for seller, _ in models} | {f"{seller}/{model}" for seller, model in models}
    for name in names:
        if name not in known:
            fail(f"The price book has no {name!r}.", near(name, sorted(known), "rows"))
