"""`headgate prices impact`: what a change of prices would have cost on calls that were made."""

import importlib
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from headgate.catalog.prices import PriceBook
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, table
from headgate.cli.pricing.asked import require_known
from headgate.cli.pricing.grown import book_with
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.config.snapshot import Snapshot
from headgate.insights.contract_prices import ImpactRowView, ImpactSumsView, ImpactView
from headgate.units.instants import from_datetime, to_datetime, to_iso
from headgate.units.money import exact_fraction, format_usd

Change = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Tables of prices as in a configuration: the change."),
]
Scale = Annotated[
    list[str] | None,
    typer.Option(metavar="SELLER[/MODEL]=FACTOR", help="List prices times a factor; repeatable."),
]
Since = Annotated[str | None, typer.Option(help="First day; default: the first of last month.")]
Until = Annotated[
    str | None,
    typer.Option(help="First day that is too late; default: the first of this month, or now."),
]
Imported = Annotated[
    bool, typer.Option("--imported", help="Of imported logs (headgate import), by seat.")
]


def impact(  # noqa: PLR0913 - a command has as many parameters as it has options
    change: Change = None,
    scale: Scale = None,
    since: Since = None,
    until: Until = None,
    imported: Imported = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Rate the calls of a stretch of time by the prices as they are and as they would be.

    The change holds for the whole stretch, whatever its dates.
    """
    snapshot = read_configuration(config)
    since_ns, until_ns = stretch(since, until, snapshot.zone)
    past = desk_module("headgate.economics.prices.load_past")
    rated = desk_module("headgate.economics.prices.impact")
    if change is None and not scale:
        fail("There is no change to rate.", "Name a FILE of prices, or give --scale.")
    after = changed(snapshot, change, scale or [], rated, since_ns)
    book = snapshot.price_book
    if imported:
        with past.open_usage(data_dir) as store:
            sums = rated.impact(book, after, past.imported_calls(store, book, since_ns, until_ns))
    else:
        with reading(data_dir) as connection:
            known = rated.with_contracts(book, after)
            calls = past.charged_calls(connection, known, snapshot.deployments, since_ns, until_ns)
            sums = rated.impact(book, after, (each.past for each in calls))
    total = rated.Sums("all", "")
    for each in sums:
        total.add(each)
    if as_json:
        print_json(_view(sums, total, since_ns, until_ns))
    else:
        _show(sums, total)


def desk_module(module: str) -> Any:
    """Return a module that needs numpy, which is an extra."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        fail("Rating in bulk needs numpy, which is missing.", "Install headgate[desk].")


def stretch(since: str | None, until: str | None, zone: tzinfo) -> tuple[int, int]:
    """Return the first instant and the first that is too late; last month when neither is given.

    A stretch that ends before it begins ends the command.
    """
    now = datetime.now(zone)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = from_datetime((first - timedelta(days=1)).replace(day=1))
    end = from_datetime(first if since is None else now)
    begin = begin if since is None else instant(since, zone)
    end = end if until is None else instant(until, zone)
    if begin >= end:
        days = (to_datetime(at_ns).astimezone(zone).strftime("%Y-%m-%d") for at_ns in (begin, end))
        fail(f"{' until '.join(days)} is no stretch of time.", "Let it begin before it ends.")
    return begin, end


def changed(
    snapshot: Snapshot, change: Path | None, scale: list[str], rated: Any, since_ns: int
) -> PriceBook:
    """Return the configuration's book as it would be, changed by a file, by factors, or both.

    Raises:
        ConfigurationError: The file cannot be used.
    """
    book: PriceBook = snapshot.price_book
    if change is not None:
        book = rated.as_if(book, book_with(change, Path(snapshot.file)), since_ns)
    return scaled(book, scale, rated)


def scaled(book: PriceBook, scale: list[str], rated: Any) -> PriceBook:
    """Return a book with list prices times the factors of `SELLER[/MODEL]=FACTOR` texts."""
    factors = dict(map(_factor, scale))
    require_known(book, factors)
    made: PriceBook = rated.scaled(book, factors) if factors else book
    return made


def _factor(text: str) -> tuple[str, Fraction]:
    what, _, factor = text.rpartition("=")
    value = exact_fraction(factor)
    if not what or value is None or value < 0:
        fail(f"{text!r} is no factor.", "Write SELLER=1.2 or SELLER/MODEL=0.8.")
    return what, value


def _view(sums: Any, total: Any, since_ns: int, until_ns: int) -> ImpactView:
    return ImpactView(
        since=to_iso(since_ns),
        until=to_iso(until_ns),
        total=ImpactSumsView(**_sums(total)),
        by=[ImpactRowView(model=each.model, team=each.team, **_sums(each)) for each in sums],
    )


def _sums(sums: Any) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "unrated": sums.unrated,
        "posted": format_usd(sums.posted_nanos),
        "before": format_usd(sums.before_nanos),
        "after": format_usd(sums.after_nanos),
        "difference": format_usd(sums.difference_nanos),
    }


def _show(sums: Any, total: Any) -> None:
    shown = table("model", "team", ">calls", ">unrated", ">before", ">after", ">difference")
    for each in sums:
        shown.add_row(each.model, each.team, *_cells(each))
    shown.add_section()
    shown.add_row("all", "", *_cells(total))
    print_table(shown)


def _cells(sums: Any) -> tuple[str, ...]:
    return (
        str(sums.calls),
        str(sums.unrated),
        format_usd(sums.before_nanos),
        format_usd(sums.after_nanos),
        format_usd(sums.difference_nanos),
    )
