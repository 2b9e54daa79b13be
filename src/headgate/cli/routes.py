"""`headgate routes`: the aliases, who may serve them, and who is passed over now."""

from pathlib import Path

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, table
from headgate.cli.reading import read_configuration
from headgate.insights.contract import RouteView
from headgate.insights.routes import PassedOver, Unwell, route_view
from headgate.node.client import exchange
from headgate.node.messages import AskHealth, Health
from headgate.units.errors import StewardUnavailableError

app = typer.Typer()


@app.command()
def routes(
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the aliases, their deployments as they are listed, and who is passed over now."""
    snapshot = read_configuration(config)
    unwell = read_unwell(data_dir)
    views = [route_view(route, snapshot.deployments, unwell) for route in snapshot.routes.values()]
    if as_json:
        print_json(views)
        return
    for view in views:
        _show(view)
    if not views:
        typer.echo("There are no routes: write [routes.NAME] into the configuration.")
    elif unwell is None:
        typer.echo("No node runs here, so nothing is known of their health.")


def read_unwell(data_dir: Path) -> Unwell | None:
    """Return whom the running node passes over, by deployment; None when none runs."""
    try:
        answer = exchange(data_dir, AskHealth())
    except StewardUnavailableError:
        return None
    assert isinstance(answer, Health), answer
    return {row.deployment: PassedOver(row.rule, row.until_ns) for row in answer.deployments}


def _show(view: RouteView) -> None:
    among = f", may move among {', '.join(view.regions)}" if view.regions else ""
    typer.echo(f"{view.alias}: {view.policy}{among}")
    shown = table("  deployment", "model", "region", ">weight", "health")
    for each in view.candidates:
        well = "well" if view.running else "-"
        health = well if each.rule is None else f"{each.rule} until {each.until}"
        shown.add_row(
            f"  {each.deployment}", each.model, each.region or "-", str(each.weight), health
        )
    print_table(shown)
