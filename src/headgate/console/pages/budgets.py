"""`/budgets`: the tree of limits with what is posted, held and free on each."""

from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.budgets.burn import Burn
from headgate.budgets.keeper import HOUR_NS, WATCH_S, burns
from headgate.budgets.settings import ORGANISATION, is_each
from headgate.budgets.standing import Standing, standings
from headgate.config.snapshot import Snapshot
from headgate.console import show
from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.identity.registry import frozen_nodes
from headgate.insights.contract_budgets import BudgetView
from headgate.insights.views import NO_PACE, budget_view
from headgate.insights.windows import People, is_frozen, read_run_windows

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


class Stands(NamedTuple):
    """How budgets stand.

    Attributes:
        found: The fullest first.
        frozen: The ids of those whose node, or one above it, may not spend now.
        paces: By id; none of a run's own window.
        burning: When those will be used up at their pace that there is an alarm about, by id.
    """

    found: list[Standing]
    frozen: Set[str]
    paces: Mapping[str, Burn]
    burning: Mapping[str, int]


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        snapshot, stands = desk.snapshot, read_stands(desk)
        runs = [one for one in stands.found if one.is_each]
        plain = [one for one in stands.found if not one.is_each]
        values = {
            "tree": [*_tree(snapshot, plain)],
            "hidden": len(plain[ROWS_SHOWN_MAX:]),
            "runs": runs[:RUNS_SHOWN_MAX],
            "left_out": len(runs[RUNS_SHOWN_MAX:]),
            "frozen": stands.frozen,
            "burning": stands.burning,
        }
        return desk.render(request, "budgets.html", values)

    def exported(_request: Request) -> Piece:
        stands = read_stands(desk)
        return Piece(
            [
                budget_view(
                    one, frozen=one.id in stands.frozen, burn=stands.paces.get(one.id, NO_PACE)
                )
                for one in stands.found
            ]
        )

    return [Route(PATH, page), *exports(PATH, fields_of(BudgetView), exported)]


def read_stands(desk: Desk) -> Stands:
    """Return every budget's window, and those of the newest runs."""
    snapshot, now_ns = desk.snapshot, desk.console.now_ns()
    configured = tuple(snapshot.budgets.values())
    per_run = frozenset(budget.id for budget in configured if is_each(budget.node))
    with desk.read() as connection:
        active = read_run_windows(connection, per_run) if per_run else frozenset()
        found = standings(connection, configured, now_ns, snapshot.zone, runs=active)
        # A pace is measured no more often than the steward looks.
        paces = desk.memory.get("paces", now_ns, WATCH_S, lambda: burns(connection, found))
        nodes = {node.node for node in frozen_nodes(connection)}
    found.sort(key=_fullness, reverse=True)
    people = People(snapshot.principals, snapshot.teams)
    frozen = {one.id for one in found if is_frozen(one, nodes, people)}
    burning = {
        budget.id: pace.exhausted_ns
        for budget in configured
        if (pace := paces.get(budget.id, NO_PACE)).exhausted_ns is not None
        and pace.alarms(now_ns, budget.alarm_within_hours * HOUR_NS)
    }
    return Stands(found, frozen, paces, burning)


def _fullness(one: Standing) -> int:
    return show.permille(one.limit_nanos - one.free_nanos, one.limit_nanos)


def _tree(snapshot: Snapshot, found: list[Standing]) -> Iterator[Branch]:
    """Yield the nodes with a budget on them or below, from the organisation down to agents."""
    on: dict[str, list[Standing]] = {}
    order = {budget: place for place, budget in enumerate(snapshot.budgets)}
    # Allotments of delegations are no budgets of the configuration: they come behind those.
    for one in sorted(found, key=lambda one: order.get(one.id, len(order)))[:ROWS_SHOWN_MAX]:
        on.setdefault(one.node, []).append(one)
    if on:
        yield Branch(ORGANISATION, 0, on.get(ORGANISATION, []))
    placed = {ORGANISATION}
    for team in snapshot.teams.values():
        if team.parent is None:
            for branch in _of_team(snapshot, team.id, 1, on):
                placed.add(branch.node)
                yield branch
    # What calls are and where they go is below nobody.
    for node in sorted(on.keys() - placed):
        yield Branch(node, 1, on[node])


def _of_team(
    snapshot: Snapshot, team: str, depth: int, on: Mapping[str, list[Standing]]
) -> list[Branch]:
    members = (one.id for one in snapshot.principals.values() if one.team == team)
    below = [branch for member in members for branch in _of_principal(member, depth + 1, on)]
    for child in snapshot.teams.values():
        if child.parent == team:
            below += _of_team(snapshot, child.id, depth + 1, on)
    own = f"team:{team}"
    return [Branch(own, depth, on.get(own, [])), *below] if below or own in on else []


def _of_principal(principal: str, depth: int, on: Mapping[str, list[Standing]]) -> list[Branch]:
    own = f"principal:{principal}"
    agents = sorted(node for node in on if node.startswith(f"agent:{principal}/"))
    if own not in on and not agents:
        return []
    branches = (Branch(node, depth + node.count("/"), on[node]) for node in agents)
    return [Branch(own, depth, on.get(own, [])), *branches]
