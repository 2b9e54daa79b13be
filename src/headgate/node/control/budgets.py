"""`GET /v1/budgets`: how the budgets stand that a client's own calls are held on.

A client names none: what is looked at follows from who it is, and of what run and tags it is.
"""

from collections.abc import Collection
from typing import TypedDict

import msgspec
from sqlalchemy import Connection

from headgate.budgets.own import HeldOn, held_on, is_own
from headgate.budgets.standing import Standing, standings
from headgate.budgets.tree import Spender
from headgate.catalog.settings import Deployment
from headgate.config.snapshot import Snapshot
from headgate.identity.registry import frozen_nodes
from headgate.identity.settings import lineage_of
from headgate.insights.contract_budgets import OwnBudgetView
from headgate.insights.views import own_budget_view
from headgate.insights.windows import People, is_frozen
from headgate.node.control.registry import Desk, Served, refused
from headgate.records.control import Allotted, ControlReply, ControlRequest, Spending
from headgate.units import errors


class Told(TypedDict):
    """The answer."""

    budgets: list[OwnBudgetView]


SERVED = (
    Served(
        "GET",
        None,
        "Tell how the budgets stand that the key's calls are held on.",
        None,
        Told,
        (errors.RUN_INVALID, errors.TAG_INVALID, errors.TAG_NOT_PERMITTED),
    ),
)


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Return `{"budgets": [...]}`, those first that are nearest to the caller."""
    if request.name:
        return refused(errors.PATH_UNKNOWN, "Ask for GET /v1/budgets: it tells them all.")
    said = msgspec.json.decode(request.body, type=Spending)
    on = _held_on(request, said, desk.snapshot, desk.now_ns())
    desk.fold()
    with desk.reading.connect() as connection:
        found = _standings(connection, desk, on, said.allotted)
        frozen = {each.node for each in frozen_nodes(connection)}
    people = People(desk.snapshot.principals, desk.snapshot.teams)
    own = _own(request, said, on)
    views = [
        own_budget_view(each, frozen=is_frozen(each, frozen, people), shared=each.id not in own)
        for each in found
    ]
    return ControlReply(200, msgspec.json.encode({"budgets": views}).decode())


def _held_on(
    request: ControlRequest, said: Spending, snapshot: Snapshot, at_ns: int
) -> list[HeldOn]:
    teams = lineage_of(request.team, snapshot.teams)
    spender = Spender(request.principal, teams, request.key, said.run, said.tags, said.agents)
    reached = _reached(snapshot, said.models)
    found = held_on(snapshot.budgets.values(), spender, reached, at_ns, snapshot.zone)
    # What its allotment was carved from limits a delegation no more.
    return [each for each in found if said.allotted is None or not each.budget.stands]


def _reached(snapshot: Snapshot, models: Collection[str] | None) -> list[Deployment]:
    """Return the deployments that calls may go to, by what they may ask for."""
    if models is None:
        return list(snapshot.deployments.values())
    routes = [route for alias, route in snapshot.routes.items() if alias in models]
    names = {*models, *(name for route in routes for name in route.deployments)}
    return [each for name, each in snapshot.deployments.items() if name in names]


def _standings(
    connection: Connection, desk: Desk, on: list[HeldOn], allotted: Allotted | None
) -> list[Standing]:
    """Return how each window stands, in the order of `on`, and the allotment behind them."""
    budgets = {each.budget.id: each.budget for each in on}.values()
    looked_at = {key for each in on for key in each.looked_at}
    zone = desk.snapshot.zone
    stand = standings(connection, budgets, desk.now_ns(), zone, runs=looked_at)
    by_id = {each.id: each for each in stand}
    # A period may have ended since `on` was found, and its budget with it.
    found = [by_id[each.name] for each in on if each.name in by_id]
    if allotted is not None:
        name = _name(allotted)
        found.append(by_id.get(name) or _unused(name, allotted))
    return found


def _name(allotted: Allotted) -> str:
    return allotted.window.partition("@")[0]


def _unused(name: str, allotted: Allotted) -> Standing:
    """Return how an allotment stands that was not carved yet: the first call has it carved."""
    amount_nanos = allotted.amount_nanos
    return Standing(
        id=name,
        node=allotted.node,
        period="once",
        renews_ns=None,
        limit_nanos=amount_nanos,
        posted_nanos=0,
        held_nanos=0,
        lent_nanos=0,
        unaccounted_nanos=0,
        free_nanos=amount_nanos,
    )


def _own(request: ControlRequest, said: Spending, on: list[HeldOn]) -> set[str]:
    """Return the windows whose every sum is told: a delegation's parent is somebody else to it."""
    if request.delegated:
        return {_name(said.allotted)} if said.allotted is not None and said.allotted.own else set()
    return {each.name for each in on if is_own(each.budget)}
