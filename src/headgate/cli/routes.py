"""`headgate routes`: the aliases, who may serve them, and who is passed over now."""

import time
from pathlib import Path
from typing import Annotated

import typer

from headgate.app import rulebook
from headgate.cli.completing import names_of
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.governance.requirements import Caller
from headgate.insights.contract_routes import QueueView, RouteView
from headgate.insights.routes import PassedOver, Unwell, Violates, route_view
from headgate.node.client import exchange
from headgate.node.messages import AskHealth, Health
from headgate.node.told import read_queued
from headgate.units.errors import Refusal, StewardUnavailableError

app = typer.Typer()


@app.command()
def routes(
    key: Annotated[
        str | None,
        typer.Option(help="Show who may serve this key's calls.", autocompletion=names_of("keys")),
    ] = None,
    data_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="The class of data they carry; with --key.",
            autocompletion=names_of("data_classes"),
        ),
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the aliases, their deployments, who is passed over now, and who waits for a place."""
    snapshot = read_configuration(config)
    health = read_health(data_dir)
    violates = _violates(snapshot, key, data_class)
    views = [
        route_view(
            route,
            snapshot.deployments,
            None if health is None else _passed_over(health),
            violates,
            () if health is None else [read_queued(row) for row in health.queued],
        )
        for route in snapshot.routes.values()
    ]
    if as_json:
        print_json(views)
        return
    for view in views:
        _show(view)
    if not views:
        say("There are no routes: write [routes.NAME] into the configuration.")
    elif health is None:
        say("No node runs here, so nothing is known of their health.")


def _violates(snapshot: Snapshot, key: str | None, data_class: str | None) -> Violates:
    """Return what is required of a key's calls; ends the command when there is no such key."""
    if key is None:
        if data_class is not None:
            fail("--class needs a key.", "Say whose calls carry it: --key ID.")
        return lambda _deployment: None
    known = snapshot.keys.get(key)
    if known is None:
        fail(f"The configuration has no key {key!r}.", near(key, snapshot.keys, "key"))
    rules = rulebook(snapshot)
    carried = rules.class_of(key, data_class)
    if isinstance(carried, Refusal):
        fail(carried.message, "See [data_classes.ID] and [keys.ID] of the configuration.")
    team = snapshot.principals[known.principal].team
    required = rules.find(Caller(key, known.principal, team), carried)
    return lambda deployment: required.violation(deployment, time.time_ns())


def read_health(data_dir: Path) -> Health | None:
    """Return how the running node's deployments do; None when none runs."""
    try:
        answer = exchange(data_dir, AskHealth())
    except StewardUnavailableError:
        return None
    assert isinstance(answer, Health), answer
    return answer


def _passed_over(health: Health) -> Unwell:
    return {row.deployment: PassedOver(row.rule, row.until_ns) for row in health.deployments}


def _show(view: RouteView) -> None:
    among = f", may move among {', '.join(view.regions)}" if view.regions else ""
    say(f"{view.alias}: {view.policy}{among}")
    shown = table("  deployment", "model", "region", ">weight", "health")
    for each in view.candidates:
        well = "well" if view.running else "-"
        health = well if each.rule is None else f"{each.rule} until {each.until}"
        health = health if each.violates is None else each.violates
        shown.add_row(
            f"  {each.deployment}", each.model, each.region or "-", str(each.weight), health
        )
    print_table(shown)
    if view.queues:
        _show_queues(view.queues)


def _show_queues(queues: list[QueueView]) -> None:
    shown = table("  at", "class", "team", ">share", ">places", ">waiting")
    for each in queues:
        counts = (each.share, each.running, each.waiting)
        shown.add_row(f"  {each.deployment}", each.priority, each.team, *map(str, counts))
    print_table(shown)
