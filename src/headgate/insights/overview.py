"""The overview people watch: spend over time, and a stretch of time in a few figures.

Every query is bounded: it takes at most so many of the newest rows, by an index. What a bound
cut off is said in the answer, never left out silently.
"""

from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, Integer, Subquery, cast, func, select

from headgate.ledger.tables import attempt, caller, is_first, journal, refusal, route
from headgate.units.instants import NANOS_PER_SECOND

SCAN_ROWS_MAX = 100_000
SAMPLE_ROWS_MAX = 500
GROUPS_MAX = 20_000
SERIES_MAX = 6

STEP_S_BY_MINUTES = {15: 15, 60: 60, 360: 300, 1440: 1200, 10080: 7200, 43200: 43_200}
"""The windows there are, in minutes, and how many seconds one bar of each covers."""


class Lapse(NamedTuple):
    """A stretch of time cut into equal steps; the last one contains now."""

    since_ns: int
    step_ns: int
    steps: int

    @property
    def until_ns(self) -> int:
        """Where it ends, exclusive."""
        return self.since_ns + self.steps * self.step_ns


def lapse_of(minutes: int, now_ns: int) -> Lapse:
    """Return the steps of the last `minutes`, which is a key of `STEP_S_BY_MINUTES`."""
    step_ns = STEP_S_BY_MINUTES[minutes] * NANOS_PER_SECOND
    steps = minutes * 60 // STEP_S_BY_MINUTES[minutes]
    until_ns = (now_ns // step_ns + 1) * step_ns
    return Lapse(until_ns - steps * step_ns, step_ns, steps)


class SpendSeries(NamedTuple):
    """What was posted in each step for one name; None for all the others."""

    name: str | None
    amounts_nanos: tuple[int, ...]

    @property
    def total_nanos(self) -> int:
        """The sum over all steps."""
        return sum(self.amounts_nanos)


class Spend(NamedTuple):
    """Money posted over time, by the instant its attempt began.

    Attributes:
        series: The largest ones by name, so that each keeps its place while amounts change;
            the last may be all the others.
        complete_from_ns: Before this the sums lack attempts, because there were more than
            `SCAN_ROWS_MAX`; None when nothing is missing.
    """

    lapse: Lapse
    series: tuple[SpendSeries, ...]
    complete_from_ns: int | None

    @property
    def total_nanos(self) -> int:
        """The sum over all series."""
        return sum(series.total_nanos for series in self.series)


Side = Literal["deployment", "principal", "team", "key", "asked"]
SIDES: tuple[Side, ...] = get_args(Side)
"""What spend can be told apart by."""


def _newest(lapse: Lapse, *more: ColumnElement[Any]) -> Subquery:
    return (
        select(attempt.c.at_ns, attempt.c.posted_nanos, *more)
        .where(attempt.c.at_ns >= lapse.since_ns, attempt.c.at_ns < lapse.until_ns)
        .order_by(attempt.c.at_ns.desc())
        .limit(SCAN_ROWS_MAX)
        .subquery()
    )


def read_spend(connection: Connection, lapse: Lapse, side: Side) -> Spend:
    """Return what was posted in each step, by one side of the calls."""
    names = route if side in route.c else caller
    newest = _newest(lapse, attempt.c[names.name].label("reference"))
    step = ((newest.c.at_ns - lapse.since_ns) // lapse.step_ns).label("step")
    grouped = (
        select(
            step,
            names.c[side].label("name"),
            func.sum(newest.c.posted_nanos).label("posted_nanos"),
            func.count().label("attempts"),
            func.min(newest.c.at_ns).label("oldest_ns"),
        )
        .join(names, names.c.id == newest.c.reference)
        .group_by(step, names.c[side])
        .limit(GROUPS_MAX)
    )
    rows = connection.execute(grouped).mappings().all()
    amounts: dict[str, list[int]] = {}
    for row in rows:
        amounts.setdefault(row["name"], [0] * lapse.steps)[row["step"]] = row["posted_nanos"]
    cut = sum(row["attempts"] for row in rows) >= SCAN_ROWS_MAX
    oldest_ns = min((row["oldest_ns"] for row in rows), default=lapse.since_ns)
    return Spend(lapse, _largest(amounts), oldest_ns if cut else None)


def _largest(amounts: dict[str, list[int]]) -> tuple[SpendSeries, ...]:
    ranked = sorted(
        (SpendSeries(name, tuple(steps)) for name, steps in amounts.items()),
        key=lambda series: (-series.total_nanos, series.name or ""),
    )
    kept = len(ranked) if len(ranked) <= SERIES_MAX else SERIES_MAX - 1
    largest, rest = ranked[:kept], ranked[kept:]
    by_name = tuple(sorted(largest, key=lambda series: series.name or ""))
    if not rest:
        return by_name
    others = tuple(sum(step) for step in zip(*(one.amounts_nanos for one in rest), strict=True))
    return (*by_name, SpendSeries(None, others))


class Summary(NamedTuple):
    """A stretch of time in a few figures, and what is running now.

    Attributes:
        running: Attempts that hold money now, with `held_nanos` the sum of their holds.
        ttft_us: The median of the newest `SAMPLE_ROWS_MAX` attempts, None without any.
        cut: Whether there were more rows than were counted.
    """

    calls: int
    posted_nanos: int
    refused: int
    running: int
    held_nanos: int
    ttft_us: int | None
    cut: bool


def read_summary(connection: Connection, lapse: Lapse) -> Summary:
    """Return the figures of a stretch of time."""
    newest = _newest(lapse, cast(is_first, Integer).label("first"))
    spent = connection.execute(
        select(
            func.count().label("rows"),
            func.coalesce(func.sum(newest.c.first), 0).label("calls"),
            func.coalesce(func.sum(newest.c.posted_nanos), 0).label("posted_nanos"),
        )
    ).one()
    refused = select(refusal.c.call).where(refusal.c.at_ns >= lapse.since_ns).limit(SCAN_ROWS_MAX)
    open_journals = select(journal.c.name).where(~journal.c.ended)
    held = (
        select(attempt.c.hold_nanos)
        .join(caller, caller.c.id == attempt.c.caller)
        .where(caller.c.journal.in_(open_journals), attempt.c.state == "held")
        .limit(SCAN_ROWS_MAX)
        .subquery()
    )
    running = connection.execute(
        select(
            func.count().label("attempts"),
            func.coalesce(func.sum(held.c.hold_nanos), 0).label("held_nanos"),
        )
    ).one()
    refused_count = connection.scalars(select(func.count()).select_from(refused.subquery())).one()
    return Summary(
        calls=spent.calls,
        posted_nanos=spent.posted_nanos,
        refused=refused_count,
        running=running.attempts,
        held_nanos=running.held_nanos,
        ttft_us=_median_ttft_us(connection, lapse),
        cut=SCAN_ROWS_MAX in (spent.rows, refused_count, running.attempts),
    )


def _median_ttft_us(connection: Connection, lapse: Lapse) -> int | None:
    sample = (
        select(attempt.c.ttft_us)
        .where(attempt.c.at_ns >= lapse.since_ns, attempt.c.at_ns < lapse.until_ns)
        .order_by(attempt.c.at_ns.desc())
        .limit(SAMPLE_ROWS_MAX)
    )
    known = sorted(ttft for ttft in connection.scalars(sample) if ttft is not None)
    return known[len(known) // 2] if known else None
