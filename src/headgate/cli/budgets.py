"""`headgate budgets`: how every budget stands."""

import time
from typing import Annotated, Literal

import typer

from headgate.budgets.standing import Standing, standings
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, table
from headgate.cli.reading import read_configuration, reading
from headgate.insights.views import budget_view
from headgate.units.money import format_usd

app = typer.Typer()


@app.command()
def budgets(
    _action: Annotated[Literal["list"], typer.Argument(metavar="[list]")] = "list",
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the windows that are open now: each budget's, and each run's own."""
    snapshot = read_configuration(config)
    with reading(data_dir) as connection:
        found = standings(connection, snapshot.budgets.values(), time.time_ns(), snapshot.zone)
    if as_json:
        print_json([budget_view(standing) for standing in found])
    else:
        _show(found)


def _show(found: list[Standing]) -> None:
    shown = table("budget", "node", "period", ">limit", ">posted", ">held", ">free", ">used")
    for standing in found:
        used = standing.limit_nanos - standing.free_nanos
        share = 100 * used // standing.limit_nanos if standing.limit_nanos else 100
        amounts = (
            standing.limit_nanos,
            standing.posted_nanos,
            standing.held_nanos,
            standing.free_nanos,
        )
        dollars = [format_usd(amount) for amount in amounts]
        shown.add_row(standing.id, standing.node, standing.period, *dollars, f"{share} %")
    print_table(shown)
