"""Groups of models, strategies and fallbacks, as routes."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from headgate.cli.moving.drafts import Deployment, Route
from headgate.cli.moving.notes import Notes
from headgate.cli.moving.tables import CORRECT, WRONG, Table
from headgate.units.ids import is_alias

SHUFFLE: Final = "simple-shuffle"
POLICIES: Final = {
    SHUFFLE: "weighted",
    "latency-based-routing": "fastest",
    "cost-based-routing": "cheapest",
}
WEIGHT_MAX: Final = 1_000_000
ANY: Final = "*"
_SIGNS: Final = re.compile(r"[^A-Za-z0-9._/-]+")


class Ways(NamedTuple):
    """How calls of groups go.

    Attributes:
        policy: Of groups with several deployments.
        behind: By group, those that serve when it cannot, in their order.
        behind_all: Those behind every group.
        others: Further names of groups.
        refuses: Whether nothing of a call may be lost.
    """

    policy: str
    behind: Mapping[str, tuple[str, ...]]
    behind_all: tuple[str, ...]
    others: Mapping[str, str]
    refuses: bool

    def after(self, group: str) -> tuple[str, ...]:
        """Return the groups behind one, each once."""
        named = (*self.behind.get(group, ()), *self.behind.get(ANY, ()), *self.behind_all)
        return tuple(dict.fromkeys(name for name in named if name != group))


def ways(router: Table, settings: Table) -> Ways:
    """Return how calls go; `router_settings` count before `litellm_settings`."""
    strategy = router.text("routing_strategy") or SHUFFLE
    if strategy not in POLICIES:
        why = f"There is no policy like {strategy!r}: calls are spread evenly, or by weights."
        fix = "Deployments that are full are passed over; see `policy` of a route for others."
        router.note("routing_strategy", why, fix)
    behind: dict[str, tuple[str, ...]] = {}
    for key in ("fallbacks", "context_window_fallbacks"):
        for group, named in (*_named(router, key), *_named(settings, key)):
            behind[group] = (*behind.get(group, ()), *named)
    behind_all = _texts(router, "default_fallbacks") or _texts(settings, "default_fallbacks")
    drops = settings.take("drop_params")
    return Ways(
        POLICIES.get(strategy, POLICIES[SHUFFLE]),
        behind,
        behind_all,
        dict(_others(router)) or dict(_others(settings)),
        drops is False,
    )


def _named(table: Table, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each group of a list of mappings with the groups that it names."""
    for each in table.entries(key):
        if not isinstance(each, dict):
            table.note(key, WRONG, CORRECT)
            continue
        for group, named in each.items():
            if isinstance(named, list) and all(isinstance(one, str) for one in named):
                yield group, tuple(named)
            else:
                table.note(key, WRONG, CORRECT)


def _texts(table: Table, key: str) -> tuple[str, ...]:
    found = table.entries(key)
    if not all(isinstance(each, str) for each in found):
        table.note(key, WRONG, CORRECT)
    return tuple(each for each in found if isinstance(each, str))


def _others(table: Table) -> Iterator[tuple[str, str]]:
    for name, group in table.members("model_group_alias").items():
        # Some say beside it whether the name is listed.
        found = group.get("model") if isinstance(group, dict) else group
        if isinstance(found, str):
            yield name, found
        else:
            table.note("model_group_alias", WRONG, CORRECT)


def routes(
    deployments: Sequence[Deployment],
    speaks: Mapping[str, frozenset[str]],
    how: Ways,
    notes: Notes,
) -> tuple[Route, ...]:
    """Return a route for each group, and for each further name of one.

    Args:
        deployments: All of them.
        speaks: What each provider speaks, so that it can be told who is reached by translation.
        how: How calls go.
        notes: Where what is not carried over is noted.
    """
    groups: dict[str, list[Deployment]] = {}
    for each in deployments:
        groups.setdefault(each.group, []).append(each)
    names = {**{group: group for group in groups}, **how.others}
    for group in how.behind:
        if group != ANY and group not in names:
            why = "Nothing that could be carried over is called so."
            notes.add("fallbacks", why, "Add deployments to the route that is meant.", group[:64])
    found: dict[str, Route] = {}
    for name, group in names.items():
        if group not in groups:
            why = f"It stands for {group!r}, of which nothing could be carried over."
            notes.add("model_group_alias", why, "Write that group by hand, and a route.", name)
            continue
        alias = _alias(name, {*found, *names, *(each.id for each in deployments)}, notes)
        behind = list(_behind(group, groups, how, notes))
        found[alias] = _route(alias, groups[group], behind, speaks, how)
    return tuple(found.values())


def _behind(
    group: str, groups: Mapping[str, list[Deployment]], how: Ways, notes: Notes
) -> Iterator[Deployment]:
    for name in how.after(group):
        meant = how.others.get(name, name)
        if meant not in groups:
            why = f"It names {name!r}, of which nothing could be carried over."
            notes.add("fallbacks", why, "Write that group by hand, and add it to the route.", group)
            continue
        yield from (each for each in groups[meant] if meant != group)


def _alias(name: str, taken: Collection[str], notes: Notes) -> str:
    """Return a name as an alias; one that cannot be one is changed, which is noted."""
    if is_alias(name):
        return name
    parts = (part.strip(".-_")[:56].strip(".-_") for part in _SIGNS.sub("-", name).split("/"))
    base = "/".join([part for part in parts if part][:5]) or "model"
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, 10_000))
    found = next(one for one in numbered if one not in taken)
    why = f"No alias can be called {name[:128]!r}: it is {found!r} here."
    notes.add("model_name", why, f"Let clients ask for {found!r}.", name[:64])
    return found


def _route(
    alias: str,
    own: Sequence[Deployment],
    behind: Sequence[Deployment],
    speaks: Mapping[str, frozenset[str]],
    how: Ways,
) -> Route:
    ordered = any(each.order is not None for each in own)
    if ordered:
        own = sorted(own, key=lambda each: (each.order is None, each.order or 0))
    spares = [each for each in dict.fromkeys(behind) if each not in own]
    listed = tuple(each.id for each in (*own, *spares))
    policy: str | None = how.policy
    if len(listed) == 1:
        policy = None
    elif ordered or len(own) == 1:
        policy = "ordered"
    weights = _weights(own, spares) if policy == POLICIES[SHUFFLE] else {}
    loose = bool(spares) and policy in ("fastest", "cheapest")
    note = "the fallbacks stand among the others: the policy orders all" if loose else None
    mixed = not frozenset.intersection(*(speaks[each.provider] for each in own))
    return Route(alias, listed, policy, weights, mixed, how.refuses, note)


def _weights(own: Sequence[Deployment], spares: Sequence[Deployment]) -> dict[str, int]:
    """Return the weights as whole numbers; those that serve only when others cannot have none.

    Where one of a group has a weight, those without have none there; so it is with rates.
    """
    given = [each.weight for each in own]
    for rates in ([each.rpm for each in own], [each.tpm for each in own]):
        given = given if any(given) else rates
    most = max((weight for weight in given if weight), default=None)
    if most is None:
        found = {each.id: 1 for each in own} if spares else {}
    else:
        whole = all(weight is None or weight == int(weight) for weight in given)
        scale = Fraction(1) if whole and most <= WEIGHT_MAX else WEIGHT_MAX / Fraction(most)
        found = {
            each.id: int(Fraction(weight or 0) * scale)
            for each, weight in zip(own, given, strict=True)
        }
    return found | {each.id: 0 for each in spares}
