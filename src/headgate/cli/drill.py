"""`headgate drill`: route recent calls as if a provider, a model or a region were gone."""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from headgate.app import planner
from headgate.catalog.rates import UnpricedMeterError
from headgate.catalog.settings import Deployment
from headgate.cli.completing import MISSING
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.insights.contract import DrillRowView, DrillView
from headgate.insights.drill import Drill, drill, recent
from headgate.records.demand import STANDARD
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import format_usd
from headgate.units.usage import Usage

app = typer.Typer()

DAY_NS = 86_400 * NANOS_PER_SECOND

WHY: Mapping[str, str] = {
    "pinned": "they ask for a deployment itself; an alias over it could name others too",
    "alias_unknown": "the name they ask for is configured no more",
    "no_other_candidate": "their alias has nobody else; add a deployment to its route",
    "unpriced": "those left have no price, and a budget stands above; add [[prices]] rows",
    "dialect": "nobody left speaks their dialect, or can be translated to from it",
    "bound_state": "their conversations carry what only the missing can read, as signatures are",
    "no_output": "those left generate nothing",
    "region": "those left are in another region, and the route does not let them move there",
}
"""What locks calls in, by the rule that breaks them."""


@app.command("drill")
def drill_without(
    without: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A provider, model, deployment or region.",
            autocompletion=MISSING,
        ),
    ],
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How far back.")] = 7,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="At most so many calls, the newest.")
    ] = 100_000,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Tell which recent calls would go elsewhere, at what cost, and which would break.

    Nothing is sent and nothing is spent.
    """
    snapshot = read_configuration(config)
    gone = _gone(snapshot, without)
    now_ns = time.time_ns()
    since_ns = max(0, now_ns - days * DAY_NS)

    def price(deployment: Deployment, usage: Usage) -> int | None:
        book = snapshot.price_book
        terms = STANDARD._replace(nodes=deployment.nodes)
        card = book.rate_card(deployment.seller, deployment.priced_as, terms, now_ns)
        try:
            return None if card is None else card.amount(usage)[0]
        except UnpricedMeterError:
            return None

    with reading(data_dir) as connection:
        past = recent(connection, since_ns=since_ns, limit=limit)
        found = drill(past, planner(snapshot, gone), gone, price, now_ns)
    view = _view(found, without, since_ns, gone, list(_bare_aliases(snapshot, gone)))
    if as_json:
        print_json(view)
    else:
        _show(view)


def _gone(snapshot: Snapshot, name: str) -> list[str]:
    """Return the deployments that a name takes away."""
    names = {
        each.id: {each.id, each.provider, each.model, each.priced_as, each.region}
        for each in snapshot.deployments.values()
    }
    gone = [deployment for deployment, known in names.items() if name in known]
    if not gone:
        known = sorted({word for words in names.values() for word in words if word})
        what = "provider, model, deployment or region"
        fail(f"No deployment has the {what} {name!r}.", near(name, known, what))
    return gone


def _bare_aliases(snapshot: Snapshot, gone: list[str]) -> Iterator[str]:
    for alias, route in snapshot.routes.items():
        if all(name in gone for name in route.deployments):
            yield alias


def _view(
    found: Drill, without: str, since_ns: int, gone: list[str], aliases: list[str]
) -> DrillView:
    moved = [row for row in found.rows if row.fate.to is not None]
    return DrillView(
        without=without,
        since=to_iso(since_ns),
        gone=gone,
        calls=found.calls,
        affected=found.count(),
        elsewhere=found.count(lambda fate: fate.to is not None),
        translated=found.count(lambda fate: fate.via is not None),
        broken=found.count(lambda fate: fate.to is None),
        posted=format_usd(sum(row.posted_nanos for row in moved)),
        cost=format_usd(sum(row.cost_nanos for row in moved)),
        aliases=aliases,
        rows=[
            DrillRowView(
                asked=row.asked,
                served_by=row.served_by,
                to=row.fate.to,
                via=row.fate.via,
                rule=row.fate.rule,
                calls=row.calls,
                posted=format_usd(row.posted_nanos),
                cost=format_usd(row.cost_nanos),
                uncosted=row.uncosted,
            )
            for row in found.rows
        ],
    )


def _show(view: DrillView) -> None:
    say(
        f"Without {view.without}: of {view.calls} calls since {view.since}, {view.affected} were "
        f"served by it; {view.elsewhere} would go elsewhere, {view.broken} would break."
    )
    if view.elsewhere:
        say(f"Elsewhere their tokens cost ${view.cost}; they were posted at ${view.posted}.")
    if view.rows:
        shown = table("asked", "served by", "would go to", ">calls", ">posted", ">there")
        for row in view.rows:
            to = f"nobody: {row.rule}" if row.to is None else row.to
            via = f" (translated to {row.via})" if row.via else ""
            there = "" if row.to is None else row.cost
            there += f" + {row.uncosted} unpriced" if row.uncosted else ""
            shown.add_row(row.asked, row.served_by, to + via, str(row.calls), row.posted, there)
        print_table(shown)
    for line in _locks(view):
        say(line)


def _locks(view: DrillView) -> Iterator[str]:
    """Yield what locks in, and what the figures do not know."""
    broken: dict[str, int] = {}
    for row in view.rows:
        if row.rule is not None:
            broken[row.rule] = broken.get(row.rule, 0) + row.calls
    for rule, calls in broken.items():
        yield f"Locked in: {calls} calls ({rule}): {WHY.get(rule, 'see headgate explain CALL')}."
    for alias in view.aliases:
        yield f"Nobody is left for the alias {alias}."
    if view.translated:
        yield (
            f"{view.translated} calls would be translated; what that leaves out depends on each "
            "body, which is not kept (x-headgate-lost names it)."
        )
    if view.elsewhere:
        yield "Another model counts and answers otherwise: its cost is a guide, no promise."
