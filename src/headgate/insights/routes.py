"""Aliases with who may serve them, and who is passed over now; pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from headgate.catalog.settings import Deployment
from headgate.insights.contract_routes import QueueView, RouteCandidateView, RouteView
from headgate.routing.settings import Route
from headgate.units.instants import to_iso


class PassedOver(NamedTuple):
    """Why a deployment is not asked now: `breaker_open` or `throttled`, and until when."""

    rule: str
    until_ns: int


class Queued(NamedTuple):
    """What a team has of a deployment at which calls wait; `share` is its weight."""

    deployment: str
    priority: str
    team: str
    share: int
    running: int
    waiting: int


Unwell = Mapping[str, PassedOver]
"""Those that are passed over now, by deployment."""


Violates = Callable[[Deployment], str | None]
"""What a deployment violates of what is required, None when nothing."""


def route_view(
    route: Route,
    deployments: Mapping[str, Deployment],
    unwell: Unwell | None,
    violates: Violates = lambda _deployment: None,
    queued: Iterable[Queued] = (),
) -> RouteView:
    """Return a route as it is printed; `unwell` is None when no node runs, so none is known."""
    return RouteView(
        alias=route.alias,
        policy=route.policy,
        regions=list(route.regions),
        drops=route.drops,
        running=unwell is not None,
        candidates=[
            _candidate(deployments[name], route, (unwell or {}).get(name), violates)
            for name in route.deployments
        ],
        queues=[
            QueueView(**each._asdict()) for each in queued if each.deployment in route.deployments
        ],
    )


def _candidate(
    one: Deployment, route: Route, passed: PassedOver | None, violates: Violates
) -> RouteCandidateView:
    return RouteCandidateView(
        deployment=one.id,
        provider=one.provider,
        model=one.model,
        region=one.region,
        weight=route.weights.get(one.id, 1),
        rule=None if passed is None else passed.rule,
        until=None if passed is None else to_iso(passed.until_ns),
        violates=violates(one),
    )
