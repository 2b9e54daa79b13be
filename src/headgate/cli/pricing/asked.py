"""What the subcommands of `headgate prices` are asked: instants, and how they say no."""

from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

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


def fail(problem: str, fix: str) -> NoReturn:
    """Print a problem and its fix, and end with 2: the question cannot be answered."""
    typer.echo(f"{problem} {fix}", err=True)
    raise typer.Exit(2)
