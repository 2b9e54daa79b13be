"""What a person should look at: refusals, failing deployments, calls nobody could price.

Like the overview, it reads at most so many of the newest rows, by the index of time.
"""

from typing import NamedTuple

from sqlalchemy import Connection, Integer, and_, cast, func, select

from headgate.insights.overview import Lapse
from headgate.ledger.tables import attempt, refusal, route
from headgate.records.charge import HEDGE_LOST

SCAN_ROWS_MAX = 5_000
KINDS_MAX = 4
FAILURES_MIN = 3
FAILURES_PERCENT_MIN = 5
"""So many failures of a deployment, and such a share of its attempts, are more than chance."""


class RefusedKind(NamedTuple):
    """Refusals of one kind; `budget` is None when no budget refused."""

    code: str
    budget: str | None
    calls: int
    newest_ns: int


class Health(NamedTuple):
    """How one deployment did.

    Attributes:
        failures: Attempts that the provider failed or that never reached it.
        ttft_us: The mean time to the first byte, None without any.
    """

    deployment: str
    attempts: int
    failures: int
    unpriced: int
    ttft_us: int | None


class Attention(NamedTuple):
    """What happened in a stretch of time that somebody should know of."""

    refused: tuple[RefusedKind, ...]
    health: tuple[Health, ...]

    @property
    def failing(self) -> tuple[Health, ...]:
        """The deployments that fail more than by chance, the worst first."""
        failing = (
            one
            for one in self.health
            if one.failures >= FAILURES_MIN
            and one.failures * 100 >= one.attempts * FAILURES_PERCENT_MIN
        )
        return tuple(sorted(failing, key=lambda one: -one.failures)[:KINDS_MAX])

    @property
    def unpriced(self) -> int:
        """Attempts that no price was known for."""
        return sum(one.unpriced for one in self.health)


def read_attention(connection: Connection, lapse: Lapse) -> Attention:
    """Return what happened in a stretch of time."""
    return Attention(_refused(connection, lapse), read_health(connection, lapse))


def _refused(connection: Connection, lapse: Lapse) -> tuple[RefusedKind, ...]:
    newest = (
        select(refusal.c.code, refusal.c.budget, refusal.c.at_ns)
        .where(refusal.c.at_ns >= lapse.since_ns, refusal.c.at_ns < lapse.until_ns)
        .order_by(refusal.c.at_ns.desc())
        .limit(SCAN_ROWS_MAX)
        .subquery()
    )
    calls = func.count().label("calls")
    grouped = (
        select(newest.c.code, newest.c.budget, calls, func.max(newest.c.at_ns))
        .group_by(newest.c.code, newest.c.budget)
        .order_by(calls.desc())
        .limit(KINDS_MAX)
    )
    return tuple(RefusedKind(*row) for row in connection.execute(grouped))


def read_health(connection: Connection, lapse: Lapse) -> tuple[Health, ...]:
    """Return how each deployment did in a stretch of time, by name."""
    columns = attempt.c
    # One that was not sent any more because another was answered first has not failed.
    failed = and_(
        columns.posted_nanos == 0, columns.reason.is_not(None), columns.reason != HEDGE_LOST
    )
    newest = (
        select(
            columns.route,
            cast(and_(columns.state.in_(("measured", "void")), failed), Integer).label("failed"),
            cast(columns.state == "unknown", Integer).label("unpriced"),
            columns.ttft_us,
        )
        .where(columns.at_ns >= lapse.since_ns, columns.at_ns < lapse.until_ns)
        .order_by(columns.at_ns.desc())
        .limit(SCAN_ROWS_MAX)
        .subquery()
    )
    grouped = (
        select(
            route.c.deployment,
            func.count(),
            func.sum(newest.c.failed),
            func.sum(newest.c.unpriced),
            cast(func.avg(newest.c.ttft_us), Integer),
        )
        .join(route, route.c.id == newest.c.route)
        .group_by(route.c.deployment)
        .order_by(route.c.deployment)
    )
    return tuple(Health(*row) for row in connection.execute(grouped))
