"""`headgate export`: what the books say, as files for billing and reporting systems."""

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Connection

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, say
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.exports import focus
from headgate.exports.charges import summed, summed_corrections
from headgate.exports.events.event import events_of
from headgate.exports.events.registry import formats
from headgate.exports.files import csv_bytes, write_whole
from headgate.exports.focus import Version
from headgate.exports.history import days_of, write_day
from headgate.exports.parquet import parquet_bytes
from headgate.exports.reading import (
    corrections,
    count_ended,
    ended_attempts,
    known_of,
    still_running,
)
from headgate.exports.settings import USAGE
from headgate.insights.calls import AttemptRow
from headgate.insights.contract_exports import ExportedView, HistoryView
from headgate.insights.totals import Stretch
from headgate.units.money import format_usd

app = typer.Typer(no_args_is_help=True)

T = TypeVar("T")

From = Annotated[str, typer.Option("--since", help="A date, or a date-time; included.")]
Until = Annotated[str, typer.Option("--until", help="A date, or a date-time; excluded.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]


@app.callback()
def exporting() -> None:
    """Write what the books say, for billing and reporting systems."""


@app.command("focus")
def export_focus(  # noqa: PLR0913 - one for each option
    since: From,
    until: Until,
    output: Output,
    version: Annotated[Version, typer.Option(help="Of the specification.")] = "1.4",
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write FOCUS "Cost and Usage" as CSV, or as Parquet where the file ends so; days are UTC's."""
    snapshot = read_configuration(config)
    stretch = stretch_of(since, until, UTC)
    with reading(data_dir) as connection:
        running = still_running(connection, stretch)
        sums = summed(shown(connection, stretch))
        sums |= summed_corrections(corrections(connection, stretch))
    known = known_of(snapshot.deployments.values(), snapshot.providers)
    made = focus.table(snapshot.organisation, sums.items(), known, version)
    names = [column.name for column in made.columns]
    if output.suffix == ".parquet":
        kinds = {column.name: column.kind for column in made.columns}
        data = parquet_bytes(kinds, made.rows)
    else:
        data = csv_bytes(names, made.rows)
    write(output, [data])
    billed = sum(total.amount_nanos for total in sums.values())
    done = ExportedView(
        file=str(output), rows=len(made.rows), amount=format_usd(billed), running=running
    )
    tell(done, as_json=as_json)


@app.command("parquet")
def export_parquet(
    since: From,
    until: Until,
    directory: Annotated[
        Path | None, typer.Option(help="Where to; that of [history] if it is not given.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write the history's file of each UTC day that begins in a stretch, in place of older ones."""
    snapshot = read_configuration(config)
    folder = directory or snapshot.exports.history
    if folder is None:
        fail("There is no folder to write to.", 'Give --directory, or [history] directory = "..."')
    stretch = stretch_of(since, until, UTC)
    assert stretch.from_ns is not None
    assert stretch.until_ns is not None
    days = days_of(stretch.from_ns, stretch.until_ns)
    with reading(data_dir) as connection:
        running = still_running(connection, stretch)
        try:
            files = [write_day(connection, folder, day) for day in with_bar("writing", days)]
        except OSError as error:
            fail(f"{folder} cannot be written: {error.strerror}.", "Name another by --directory.")
    if as_json:
        print_json(HistoryView(files=[str(file) for file in files], running=running))
        return
    say(f"{folder}: {len(files)} days")
    _warn(running)


@app.command("events")
def export_events(  # noqa: PLR0913 - one for each option
    since: From,
    until: Until,
    output: Output,
    form: Annotated[
        str, typer.Option("--format", help="Whose: cloudevents, lago, openmeter or stripe.")
    ] = "cloudevents",
    event_name: Annotated[str, typer.Option(help="What the receiver calls them.")] = USAGE,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write an event of each attempt that used something, as lines of JSON."""
    snapshot = read_configuration(config)
    if form not in formats():
        fail(f"There is no format {form!r}.", f"Use one of {', '.join(formats())}.")
    stretch = stretch_of(since, until, snapshot.zone)
    rows = posted = 0

    def lines(connection: Connection) -> Iterator[bytes]:
        nonlocal rows, posted
        ended = shown(connection, stretch)
        for event in events_of(ended, snapshot.organisation, name=event_name):
            posted += event.row.posted_nanos
            for line in formats()[form].lines(event):
                rows += 1
                yield line + b"\n"

    with reading(data_dir) as connection:
        running = still_running(connection, stretch)
        write(output, lines(connection))
    done = ExportedView(file=str(output), rows=rows, amount=format_usd(posted), running=running)
    tell(done, as_json=as_json)


def stretch_of(since: str, until: str, zone: tzinfo) -> Stretch:
    """Return a stretch of time as people write it; ends the command when it is none."""
    stretch = Stretch(instant(since, zone), instant(until, zone))
    assert stretch.from_ns is not None
    assert stretch.until_ns is not None
    if stretch.from_ns >= stretch.until_ns:
        fail(f"{until} is not after {since}.", "Write --since 2026-10-01 --until 2026-11-01.")
    return stretch


def shown(connection: Connection, stretch: Stretch) -> Iterator[AttemptRow]:
    """Yield the attempts of a stretch, with a bar where somebody watches."""
    total = count_ended(connection, stretch)
    return with_bar("reading calls", ended_attempts(connection, stretch), total)


def with_bar(what: str, each: Iterable[T], total: int | None = None) -> Iterator[T]:
    """Yield what there is, with a bar on standard error where it is a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for one in each:
            yield one
            progress.advance(task)


def write(output: Path, pieces: Iterable[bytes]) -> None:
    """Write the file; ends the command when that cannot be."""
    try:
        write_whole(output, pieces)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.", "Name another file by --output.")


def tell(done: ExportedView, *, as_json: bool) -> None:
    """Say what was written."""
    if as_json:
        print_json(done)
        return
    say(f"{done.file}: {done.rows} rows, {done.amount} dollars")
    _warn(done.running)


def _warn(running: int) -> None:
    if running:
        say(f"{running} attempts still run and are not in it.", err=True)
