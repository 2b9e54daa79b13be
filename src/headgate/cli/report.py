"""`headgate report`: what was spent, held and refused, and by whom."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated

import msgspec
import typer

from headgate.cli.csv_text import AsJsonOrCsv, print_csv
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, table
from headgate.cli.reading import read_configuration, reading
from headgate.insights.contract import SumsView
from headgate.insights.report import Report
from headgate.insights.report import report as make_report
from headgate.insights.totals import Side, Totals
from headgate.insights.views import report_view
from headgate.units.instants import from_datetime
from headgate.units.money import format_usd

app = typer.Typer()


@app.command()
def report(
    by: Annotated[Side, typer.Option(help="What to group by.")] = "principal",
    since: Annotated[
        str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Likewise; excluded.")] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJsonOrCsv = None,
) -> None:
    """Sum up all calls, or those of a stretch of time.

    Example: `headgate report --by team --since 2026-10-01 --until 2026-11-01` is October by team.
    """
    zone = read_configuration(config).zone
    since_ns = None if since is None else instant(since, zone)
    until_ns = None if until is None else instant(until, zone)
    if since_ns is not None and until_ns is not None and since_ns >= until_ns:
        fail(f"{since} until {until} is no stretch of time.", "Let it begin before it ends.")
    with reading(data_dir) as connection:
        found = make_report(connection, by, since_ns, zone, until_ns)
    if as_json:
        print_json(report_view(found))
    elif as_json is False:
        rows = [msgspec.structs.astuple(each) for each in report_view(found).by]
        print_csv((by, *SumsView.__struct_fields__[1:]), rows)
    else:
        _show(found, by)


def instant(text: str, zone: tzinfo) -> int:
    """Return a moment as people write it; ends the command when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        # One that has no year in UTC cannot be shown.
        return from_datetime(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        fail(f"{text!r} is not a date or date-time.", "Write 2026-11-01 or 2026-11-01T08:00.")


def _show(found: Report, by: Side) -> None:
    adjusted = any(sums.adjusted_nanos for sums in (found.total, *found.by))
    columns = (">calls", ">refused", ">spend", ">of it estimated", ">unknown", ">held")
    shown = table(by, *columns, *((">adjusted",) if adjusted else ()))
    for sums in found.by:
        shown.add_row(sums.name or "-", *_cells(sums, adjusted=adjusted))
    shown.add_section()
    shown.add_row("all", *_cells(found.total, adjusted=adjusted))
    print_table(shown)


def _cells(sums: Totals, *, adjusted: bool) -> tuple[str, ...]:
    cells = (
        str(sums.calls),
        str(sums.refused),
        format_usd(sums.spend_nanos),
        format_usd(sums.estimated_nanos),
        str(sums.unknown_calls),
        format_usd(sums.held_nanos),
    )
    return (*cells, format_usd(sums.adjusted_nanos)) if adjusted else cells
