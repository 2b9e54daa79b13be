"""`/budgets`: the tree of limits with what is posted, held and free on each."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.budgets.settings import ORGANISATION, RUN_ANY
from headgate.budgets.standing import Standing, standings
from headgate.config.snapshot import Snapshot
from headgate.console import show
from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.identity.registry import frozen_nodes
from headgate.insights.contract import BudgetView
from headgate.insights.views import budget_view
from headgate.insights.windows import is_frozen, read_run_windows

KIND = "budgets"
TITLE = "Budgets"
PATH = "/budgets"
KEY = "b"
PLACE = 3

ROWS_SHOWN_MAX = 300
RUNS_SHOWN_MAX = 25


class Branch(NamedTuple):
    """A node of the tree with the budgets on it.

    Attributes:
        depth: 0 for the organisation.
    """

    node: str
    depth: int
    standings: list[Standing]


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        snapshot = desk.snapshot
        with desk.read() as connection:
            found = fullest(desk, connection)
            frozen = {node.node for node in frozen_nodes(connection)}
        runs = [one for one in found if one.node == RUN_ANY]
        plain = [one for one in found if one.node != RUN_ANY]
        values = {
            "tree": [*_tree(snapshot, plain)],
            "hidden": len(plain[ROWS_SHOWN_MAX:]),
            "runs": runs[:RUNS_SHOWN_MAX],
            "left_out": len(runs[RUNS_SHOWN_MAX:]),
            "frozen": [one.id for one in found if is_frozen(one, frozen, snapshot.principals)],
        }
        return desk.render(request, "budgets.html", values)

    def exported(_request: Request) -> Piece:
        principals = desk.snapshot.principals
        with desk.read() as connection:
            found = fullest(desk, connection)
            frozen = {node.node for node in frozen_nodes(connection)}
        return Piece([budget_view(one, frozen=is_frozen(one, frozen, principals)) for one in found])

    return [Route(PATH, page), *exports(PATH, fields_of(BudgetView), exported)]


def fullest(desk: Desk, connection: Connection) -> list[Standing]:
    """Return every budget's window, and those of the newest runs, the fullest first."""
    snapshot = desk.snapshot
    configured = tuple(snapshot.budgets.values())
    per_run = frozenset(budget.id for budget in configured if budget.node == RUN_ANY)
    active = read_run_windows(connection, per_run) if per_run else frozenset()
    found = standings(connection, configured, desk.console.now_ns(), snapshot.zone, runs=active)
    return sorted(
        found,
        key=lambda one: show.permille(one.limit_nanos - one.free_nanos, one.limit_nanos),
        reverse=True,
    )


def _tree(snapshot: Snapshot, found: list[Standing]) -> Iterator[Branch]:
    """Yield the nodes with a budget on them or below, from the organisation down."""
    on: dict[str, list[Standing]] = {}
    order = {budget: place for place, budget in enumerate(snapshot.budgets)}
    for one in sorted(found, key=lambda one: order[one.id])[:ROWS_SHOWN_MAX]:
        on.setdefault(one.node, []).append(one)
    if on:
        yield Branch(ORGANISATION, 0, on.get(ORGANISATION, []))
    for team in snapshot.teams:
        members = [one for one in snapshot.principals.values() if one.team == team]
        below = [
            Branch(f"principal:{one.id}", 2, on[f"principal:{one.id}"])
            for one in members
            if f"principal:{one.id}" in on
        ]
        if below or f"team:{team}" in on:
            yield Branch(f"team:{team}", 1, on.get(f"team:{team}", []))
        yield from below
