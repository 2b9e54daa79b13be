"""Budget windows for people: in order, the fullest of many, and whether one is frozen."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from headgate.budgets.settings import AND, OF_ROUTES, ORGANISATION, RUN_ANY, is_each, kind_of
from headgate.budgets.standing import Standing
from headgate.budgets.tree import agent_nodes_of, budget_id_of, nodes_of
from headgate.identity.settings import Principal, Team, lineage_of
from headgate.ledger.rows import windows_of_row
from headgate.ledger.tables import attempt, caller
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

ATTEMPTS_LOOKED_AT = 500
"""So many of the newest attempts tell which runs go on."""

_NUMBER = re.compile(r"(\d+)")


AGENTS = "agent:"
"""What the ids of delegations' allotments begin with, and no budget's: that has no colon."""


class Picked(NamedTuple):
    """Some windows, and how many runs of which budget, or allotments (`AGENTS`), were left out."""

    windows: list[Standing]
    left_out: Mapping[str, int]


def in_order(windows: Iterable[Standing]) -> list[Standing]:
    """Return windows with the runs of each budget counted up: `build-2` before `build-10`."""
    windows = list(windows)
    places = {budget: at for at, budget in enumerate(dict.fromkeys(map(_budget, windows)))}
    return sorted(windows, key=lambda window: (places[_budget(window)], _natural(window.id)))


def fullest(windows: Iterable[Standing], runs_max: int) -> Picked:
    """Return all windows, but at most so many runs of each budget: those with least left.

    So of the allotments of delegations, all together.
    """
    windows = in_order(windows)
    many = [window for window in windows if window.is_each or window.id.startswith(AGENTS)]
    seen: Counter[str] = Counter()
    left_out: set[str] = set()
    for window in sorted(many, key=lambda each: each.free_nanos):
        kind = AGENTS if window.id.startswith(AGENTS) else _budget(window)
        seen[kind] += 1
        if seen[kind] > runs_max:
            left_out.add(window.id)
    return Picked(
        [window for window in windows if window.id not in left_out],
        {kind: count - runs_max for kind, count in seen.items() if count > runs_max},
    )


class People(NamedTuple):
    """Who stands below whom."""

    principals: Mapping[str, Principal]
    teams: Mapping[str, Team]

    def above(self, principal: str) -> tuple[str, ...]:
        """Return the nodes from a principal up to the root."""
        known = self.principals.get(principal)
        # Runs outlive their principal's place in the configuration.
        return nodes_of(principal, () if known is None else lineage_of(known.team, self.teams))


def is_frozen(window: Standing, frozen: Collection[str], people: People) -> bool:
    """Tell whether one of a window's nodes, or a node above it, is among the frozen ones."""
    if not frozen:
        return False
    nodes = [node for each in _named(window) for node in _nodes(each, people)]
    return not set(frozen).isdisjoint(nodes)


def _named(window: Standing) -> list[str]:
    """Return a window's nodes, with whose it is in place of each `*`."""
    own = iter(window.id.split("/")[1:])
    found = []
    # The id has them as a call comes by them: where it goes is known last.
    for node in sorted(window.node.split(AND), key=lambda each: kind_of(each) in OF_ROUTES):
        if node == RUN_ANY:
            found.append(f"run:{next(own)}/{next(own)}")
        elif is_each(node):
            found.append(node.removesuffix("*") + next(own))
        else:
            found.append(node)
    return found


def _nodes(node: str, people: People) -> tuple[str, ...]:
    what, _colon, name = node.partition(":")
    principal, *names = name.split("/")
    if what == "run":
        return (node, *people.above(principal))
    if what == "principal":
        return people.above(name)
    if what == "agent":
        return (*agent_nodes_of(principal, names), *people.above(principal))
    if what == "team":
        teams = lineage_of(name, people.teams)
        return (*(f"team:{team}" for team in teams), ORGANISATION)
    return (node, ORGANISATION)


def over_text(window: Standing) -> str | None:
    """Return what it means that more is used of a limit than there is of it; None: it is not."""
    if window.free_nanos >= 0 or window.mode == "shadow":
        return None
    over = format_usd(-window.free_nanos)
    when = "" if window.renews_ns is None else f" until {to_iso(window.renews_ns)}"
    return (
        f"{over} more than its limit is posted and held; nothing is taken back, and every call is"
        f" refused{when}, unless the limit is raised above it."
    )


def _budget(window: Standing) -> str:
    return budget_id_of(window.id)


def _natural(text: str) -> list[tuple[int, str]]:
    parts = _NUMBER.split(text)
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def read_run_windows(connection: Connection, budget_ids: frozenset[str]) -> frozenset[str]:
    """Return the windows that the newest attempts hold money on, of some budgets."""
    newest = select(attempt.c.caller).order_by(attempt.c.at_ns.desc()).limit(ATTEMPTS_LOOKED_AT)
    callers = select(caller.c.windows).where(caller.c.id.in_(newest))
    return frozenset(
        window
        for row in connection.execute(callers).mappings()
        for window in windows_of_row(row)
        if budget_id_of(window) in budget_ids
    )
