"""`[budgets.ID]`: limits on nodes of the budget tree."""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from headgate.budgets.settings import (
    AND,
    FOREVER_NS,
    ORGANISATION,
    RUN_ANY,
    Budget,
    Calendar,
    is_each,
)
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems, near
from headgate.config.read_carving import Callers, carved_budgets
from headgate.config.read_compliance import Known
from headgate.config.read_organisation import Organisation, moment_from, zone_from
from headgate.config.shapes_budgets import NODE_KINDS, BudgetShape
from headgate.identity.tags import is_tag
from headgate.units.ids import is_name
from headgate.units.money import MoneyError, parse_usd

EACH = ("principal", "key", "provider", "deployment")
"""Kinds of nodes of which `*` means each one on its own, beside runs and tags."""
CARRYING = ("day", "week", "month", "quarter", "year")


class Nodes(NamedTuple):
    """What nodes there are.

    Attributes:
        members: By kind, the ids of those that the file names.
        models: What deployments call their models, and are priced as.
        callers: Who is below whom.
    """

    members: Mapping[str, Collection[str]]
    models: Collection[str]
    callers: Callers

    @classmethod
    def of(cls, known: Known, deployments: Collection[str], callers: Callers) -> "Nodes":
        """Return what is known by its ids, with the ids of all deployments, and all callers."""
        members = {**known.nodes, "provider": known.providers, "deployment": deployments}
        models = {name for each in known.deployments for name in (each.model, each.priced_as)}
        return cls(members, models, callers)


def budgets_from(
    tables: object, nodes: Nodes, organisation: Organisation, problems: Problems
) -> dict[str, Budget]:
    """Return the good budgets by id."""
    found: dict[str, Budget] = {}
    carved_from: dict[str, str] = {}
    for name, shape in checked_by_id(tables, "budgets", BudgetShape, problems):
        key = f"budgets.{name}"
        node = _node(shape, key, nodes, problems)
        limit_nanos = amount_from(shape.limit_usd, f"{key}.limit_usd", problems)
        found[name] = Budget(
            name,
            node,
            shape.period,
            limit_nanos,
            shape.on_tight,
            shape.alarm_within_hours,
            _calendar(shape, key, organisation, problems),
            shape.mode,
            _carry_nanos_max(shape, node, limit_nanos, key, problems),
            shape.holds,
        )
        if shape.carved_from is not None:
            carved_from[name] = shape.carved_from
    return carved_budgets(found, carved_from, nodes.callers, problems)


def amount_from(value: str | int, key: str, problems: Problems) -> int:
    """Return an amount of dollars in nano-dollars; 0 for what is none, which is noted."""
    if value == "":
        return 0
    try:
        return parse_usd(str(value))
    except MoneyError as error:
        fix = 'Write dollars as text: "25.00".'
        if str(value).startswith("-"):
            fix = "Write an amount of at least 0."
        problems.add(key, f"{error}.", fix)
        return 0


def _node(shape: BudgetShape, key: str, nodes: Nodes, problems: Problems) -> str:
    if (shape.node is None) == (not shape.on):
        problem = "It needs a node." if shape.node is None else "It has `node` and `on`."
        fix = 'Write node = "organisation", or on = { team = "ID", model = "PATTERN" }.'
        problems.add(key, problem, fix)
    if shape.node is not None:
        _check_node(shape.node, f"{key}.node", nodes, problems)
    for kind in shape.on:
        if kind not in NODE_KINDS:
            problems.unknown(f"{key}.on", "kind of node", kind, NODE_KINDS)
    named = [f"{kind}:{shape.on[kind]}" for kind in NODE_KINDS if kind in shape.on]
    for each in named:
        _check_node(each, f"{key}.on", nodes, problems)
    return shape.node or AND.join(named) or ORGANISATION


def _check_node(node: str, key: str, nodes: Nodes, problems: Problems) -> None:
    if node in ("", ORGANISATION, RUN_ANY):
        return
    kind, _, name = node.partition(":")
    if name == "*" and kind in EACH:
        return
    if kind in nodes.members:
        if name not in nodes.members[kind]:
            problems.unknown(key, kind, name, nodes.members[kind])
    elif kind == "agent":
        _check_agent(name, key, nodes, problems)
    elif kind == "tag":
        if not is_tag(name) and not (name.endswith("=*") and is_name(name[:-2])):
            fix = 'Write "tag:NAME=VALUE", or "tag:NAME=*" for each value on its own.'
            problems.add(key, f"{name!r} is no tag.", fix)
    elif kind == "model":
        if not any(fnmatchcase(model, name) for model in nodes.models):
            fix = near(name, sorted(nodes.models), "deployment")
            problems.add(key, f"No deployment has a model {name!r}.", fix)
    else:
        problems.add(
            key,
            f"{node!r} is no node of the budget tree.",
            'Write "organisation", "run:*", "team:ID", "principal:ID", "key:ID", "agent:...",'
            ' "tag:NAME=VALUE", "model:PATTERN", "provider:ID" or "deployment:ID".',
        )


def _check_agent(name: str, key: str, nodes: Nodes, problems: Problems) -> None:
    # Each agent of a principal, or below another, on its own.
    principal, *names = name.removesuffix("/*").split("/")
    if principal not in nodes.members["principal"]:
        problems.unknown(key, "principal", principal, nodes.members["principal"])
    elif name == principal or not all(is_name(each) for each in names):
        fix = (
            'Write "agent:PRINCIPAL/NAME", with the names of a chain of delegations, or'
            ' "agent:PRINCIPAL/*" for each agent on its own.'
        )
        problems.add(key, f"{name!r} names no agent.", fix)


def _calendar(
    shape: BudgetShape, key: str, organisation: Organisation, problems: Problems
) -> Calendar:
    own = None if shape.zone is None else zone_from(shape.zone, f"{key}.zone", problems)
    zone = own or organisation.zone
    hours = shape.hours or 0
    if (shape.period == "rolling") != bool(hours):
        fix = 'Write period = "rolling" and hours = 24, or neither.'
        problems.add(f"{key}.hours", "A rolling budget looks back over `hours`, no other.", fix)
    starts_ns = moment_from(shape.starts, f"{key}.starts", zone, problems)
    ends_ns = moment_from(shape.ends, f"{key}.ends", zone, problems)
    starts_ns = 0 if starts_ns is None else starts_ns
    ends_ns = FOREVER_NS if ends_ns is None else ends_ns
    if ends_ns <= starts_ns:
        problems.add(f"{key}.ends", "It ends before it starts.", "Write a later day.")
    return organisation.calendar._replace(
        zone=own, hours=hours, starts_ns=starts_ns, ends_ns=ends_ns
    )


def _carry_nanos_max(
    shape: BudgetShape, node: str, limit_nanos: int, key: str, problems: Problems
) -> int:
    """Return how much is carried over at most: once the limit, where nothing else is said."""
    if shape.carry_over_usd_max is not None and not shape.carry_over:
        fix = "Write carry_over = true with it."
        problems.add(f"{key}.carry_over_usd_max", "It carries nothing over.", fix)
    if not shape.carry_over:
        return 0
    if shape.period not in CARRYING or is_each(node):
        problems.add(
            f"{key}.carry_over",
            "A rolling or one-off budget, or one of each on its own, carries nothing over.",
            f"Write a period of {', '.join(CARRYING)}, and no `*` for a name; or take it out.",
        )
    if shape.carry_over_usd_max is None:
        return limit_nanos
    return amount_from(shape.carry_over_usd_max, f"{key}.carry_over_usd_max", problems)
