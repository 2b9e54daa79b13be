"""`headgate outcomes`: what results cost, from the outcomes that were told."""

from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.cli.report import instant
from headgate.insights.contract_control import ResultsView
from headgate.insights.outcomes import Results, Side, results
from headgate.units.money import format_usd

app = typer.Typer()


@app.command()
def outcomes(
    by: Annotated[Side, typer.Option(help="What to group by.")] = "task",
    since: Annotated[
        str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what results cost: clients tell outcomes by `POST /v1/outcomes`."""
    since_ns = None if since is None else instant(since, read_configuration(config).zone)
    with reading_if_any(data_dir) as connection:
        found = results(connection, by, since_ns)
    if as_json:
        print_json([_view(sums) for sums in found])
    elif not found:
        typer.echo("No outcome was told yet: POST /v1/outcomes says how a call or run ended.")
    else:
        _show(found, by)


def _show(found: list[Results], by: Side) -> None:
    columns = (">outcomes", ">successes", ">spend", ">per success", ">human hours", ">value")
    shown = table(by, *columns)
    for sums in found:
        each = sums.per_success_nanos
        shown.add_row(
            sums.name or "-",
            str(sums.outcomes),
            str(sums.successes),
            format_usd(sums.spend_nanos),
            "-" if each is None else format_usd(each),
            _hours(sums.human_seconds),
            format_usd(sums.value_nanos),
        )
    print_table(shown)


def _hours(seconds: int) -> str:
    tenths = -(-seconds // 360)
    return f"{tenths // 10}.{tenths % 10}"


def _view(sums: Results) -> ResultsView:
    each = sums.per_success_nanos
    return ResultsView(
        name=sums.name,
        outcomes=sums.outcomes,
        successes=sums.successes,
        spend=format_usd(sums.spend_nanos),
        spend_per_success=None if each is None else format_usd(each),
        human_seconds=sums.human_seconds,
        value=format_usd(sums.value_nanos),
    )
