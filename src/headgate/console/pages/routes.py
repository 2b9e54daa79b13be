"""`/routes`: who may serve which alias, and how each deployment does."""

from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.insights.attention import Health, read_health
from headgate.insights.contract_routes import RouteCandidateView, RouteView
from headgate.insights.overview import lapse_of
from headgate.insights.routes import PassedOver, route_view
from headgate.insights.views import iso_or_none

KIND = "routes"
TITLE = "Routes"
PATH = "/routes"
KEY = "r"
PLACE = 4

HEALTH_MINUTES = 60


class Told(NamedTuple):
    """A deployment, what the last hour says of it, and whether it is passed over."""

    deployment: str
    provider: str
    model: str
    region: str | None
    context_tokens: int
    output_tokens_max: int
    concurrency_max: int
    aliases: tuple[str, ...]
    health: Health
    passed: PassedOver | None


def routes(desk: Desk) -> list[Route]:
    """Return the page and its two tables as files."""

    def page(request: Request) -> Response:
        values = {"views": _views(desk), "deployments": _deployments(desk)}
        return desk.render(request, "routes.html", values)

    def aliases(_request: Request) -> Piece:
        return Piece(_views(desk))

    def candidates(_request: Request) -> Piece:
        rows = [
            {"alias": view.alias, "policy": view.policy, **msgspec.to_builtins(candidate)}
            for view in _views(desk)
            for candidate in view.candidates
        ]
        return Piece(rows)

    def deployments(_request: Request) -> Piece:
        return Piece([_row(told) for told in _deployments(desk)])

    columns = ("alias", "policy", *fields_of(RouteCandidateView))
    as_csv, _ = exports(PATH, columns, candidates)
    _, as_json = exports(PATH, columns, aliases)
    return [
        Route(PATH, page),
        as_csv,
        as_json,
        *exports("/deployments", DEPLOYMENT_COLUMNS, deployments),
    ]


def _views(desk: Desk) -> list[RouteView]:
    snapshot, unwell, queued = desk.snapshot, desk.console.unwell(), desk.console.queued()
    return [
        route_view(route, snapshot.deployments, unwell, queued=queued)
        for route in snapshot.routes.values()
    ]


def _deployments(desk: Desk) -> list[Told]:
    snapshot, unwell = desk.snapshot, desk.console.unwell()
    with desk.read() as connection:
        lapse = lapse_of(HEALTH_MINUTES, desk.console.now_ns())
        health = {one.deployment: one for one in read_health(connection, lapse)}
    return [
        Told(
            deployment=one.id,
            provider=one.provider,
            model=one.model,
            region=one.region,
            context_tokens=one.context_tokens,
            output_tokens_max=one.output_tokens_max,
            concurrency_max=one.concurrency_max,
            aliases=tuple(
                route.alias for route in snapshot.routes.values() if one.id in route.deployments
            ),
            health=health.get(one.id, Health(one.id, 0, 0, 0, None)),
            passed=unwell.get(one.id),
        )
        for one in snapshot.deployments.values()
    ]


DEPLOYMENT_COLUMNS = (
    *Told._fields[:-2],
    "attempts",
    "failures",
    "unpriced",
    "ttft_ms",
    "rule",
    "until",
)


def _row(told: Told) -> dict[str, object]:
    health, passed = told.health, told.passed
    return {
        **dict(zip(Told._fields[:-2], told, strict=False)),
        "aliases": list(told.aliases),
        "attempts": health.attempts,
        "failures": health.failures,
        "unpriced": health.unpriced,
        "ttft_ms": None if health.ttft_us is None else health.ttft_us / 1_000,
        "rule": None if passed is None else passed.rule,
        "until": iso_or_none(None if passed is None else passed.until_ns),
    }
