"""Which budgets a call falls under, and which windows they have; pure."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from headgate.budgets.settings import OF_ROUTES, ORGANISATION, RUN_ANY, Budget, kind_of
from headgate.catalog.settings import Deployment
from headgate.units.ids import CARVED, window_key


class Spender(NamedTuple):
    """Who makes calls, with all that does not depend on where they go.

    Attributes:
        teams: The principal's team, and the teams above it in order.
        tags: `NAME=VALUE` each.
        agents: The names of the delegations that the calls are made through, the first in front.
    """

    principal: str
    teams: tuple[str, ...]
    key: str
    run: str | None = None
    tags: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class Bound(NamedTuple):
    """A budget that limits some call.

    Attributes:
        own: Whose window of the budget it is: empty, or `/` and what it is of, once or more.
        routes: The nodes that are still to be looked at when it is known where a call goes.
    """

    budget: Budget
    own: str = ""
    routes: tuple[str, ...] = ()

    def window(self, period: str) -> str:
        """Return the key of the window in a period."""
        return window_key(self.budget.window_name + self.own, period)

    def toward(self, deployment: Deployment) -> "Bound | None":
        """Return it for calls that go to a deployment, None when it does not limit those."""
        own = self.own
        for node in self.routes:
            found = _own_of_route(node, deployment)
            if found is None:
                return None
            own += found
        return Bound(self.budget, own)


class Tree:
    """The budgets by where they stand, so that those of a call are found without a look at all."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._at: dict[str, list[Budget]] = {}
        for budget in budgets:
            self._at.setdefault(_anchor(budget), []).append(budget)

    def above(self, spender: Spender) -> list[Bound]:
        """Return the budgets a spender's calls may fall under, from the run up to the root."""
        if not self._at:
            return []
        names = names_of(spender)
        found = []
        for node in names:
            for budget in self._at.get(node, ()):
                bound = _bind(budget, names)
                if bound is not None:
                    found.append(bound)
        return found


def _anchor(budget: Budget) -> str:
    """Return the node of a budget that it is found by: the first that a caller is below."""
    callers = (node for node in budget.nodes if kind_of(node) not in OF_ROUTES)
    return next(callers, ORGANISATION)


def _bind(budget: Budget, names: Mapping[str, str]) -> Bound | None:
    own, routes = "", []
    for node in budget.nodes:
        if kind_of(node) in OF_ROUTES:
            routes.append(node)
        elif node in names:
            own += names[node]
        else:
            return None
    return Bound(budget, own, tuple(routes))


def names_of(spender: Spender) -> dict[str, str]:
    """Return every node that a spender's calls are below, those of each on its own as well.

    Returns:
        By node, what is added to a budget's id for the window: nothing for a node that all below
        it share; for `KIND:*` and `agent:.../*` what distinguishes this one. From the run up to
        the root.
    """
    principal, teams, key, run, tags, agents = spender
    names: dict[str, str] = {}
    if run is not None:
        names[RUN_ANY] = f"/{principal}/{run}"
        names[f"run:{principal}/{run}"] = ""
    for node in agent_nodes_of(principal, agents):
        above, _, name = node.rpartition("/")
        names[node] = ""
        names[f"{above}/*"] = f"/{name}"
    for tag in tags:
        name, _, value = tag.partition("=")
        names[f"tag:{tag}"] = ""
        names[f"tag:{name}=*"] = f"/{value}"
    names[f"key:{key}"] = ""
    names["key:*"] = f"/{key}"
    names["principal:*"] = f"/{principal}"
    names.update(dict.fromkeys(nodes_of(principal, teams), ""))
    return names


def spender_nodes_of(spender: Spender) -> tuple[str, ...]:
    """Return the nodes of a spender that can be frozen, from the run up to the root."""
    return tuple(node for node in names_of(spender) if not node.endswith("*"))


def nodes_of(principal: str, teams: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes a principal's calls fall under, from the principal up to the root.

    Args:
        principal: Whose calls.
        teams: Its team, and those above it in order.
    """
    return (f"principal:{principal}", *(f"team:{team}" for team in teams), ORGANISATION)


def agent_nodes_of(principal: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes of a chain of delegations, from the last of them up to the first."""
    return tuple(
        f"agent:{principal}/{'/'.join(names[:count])}" for count in range(len(names), 0, -1)
    )


def _own_of_route(node: str, deployment: Deployment) -> str | None:
    """Return what is added to the id for a deployment; None when it is not below the node."""
    kind, _, name = node.partition(":")
    if kind == "model":
        models = {deployment.model, deployment.priced_as}
        return "" if any(fnmatchcase(model, name) for model in models) else None
    own = deployment.provider if kind == "provider" else deployment.id
    if name == "*":
        return f"/{own}"
    return "" if own == name else None


def budget_id_of(window: str) -> str:
    """Return the id of the configured budget that a window key belongs to."""
    return window.partition("@")[0].partition("/")[0].partition(CARVED)[0]
