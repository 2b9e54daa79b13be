"""The overview people watch: spend over time, recent attempts, refusals, one call in full.

Every query is bounded: it takes at most so many of the newest rows, by an index. What a bound
cut off is said in the answer, never left out silently.
"""

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Subquery, func, select
from sqlalchemy.engine import RowMapping

from headgate.ledger import tables
from headgate.ledger.rows import (
    cache_of_row,
    chain_of_row,
    lines_of_row,
    usage_of_row,
    windows_of_row,
)
from headgate.ledger.tables import attempt, attempts, call_of, caller, is_of_call
from headgate.records.charge import ChargeLine
from headgate.records.journal import CacheNote, CandidateRecord, DecisionRecord
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.usage import INPUT_METERS, OUTPUT_METERS

ATTEMPTS_MAX = 30
REFUSALS_MAX = 8
ATTEMPTS_PER_CALL_MAX = 16
SCAN_ROWS_MAX = 100_000
SAMPLE_ROWS_MAX = 500
GROUPS_MAX = 20_000
SERIES_MAX = 6

STEP_S_BY_MINUTES = {15: 15, 60: 60, 360: 300, 1440: 1200}
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
    """What one deployment posted in each step; `deployment` is None for all the others."""

    deployment: str | None
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


def _newest(lapse: Lapse) -> Subquery:
    """Select the attempts of a stretch of time, by their routes."""
    return (
        select(attempt.c.at_ns, attempt.c.attempt, attempt.c.route, attempt.c.posted_nanos)
        .where(attempt.c.at_ns >= lapse.since_ns, attempt.c.at_ns < lapse.until_ns)
        .order_by(attempt.c.at_ns.desc())
        .limit(SCAN_ROWS_MAX)
        .subquery()
    )


def read_spend(connection: Connection, lapse: Lapse) -> Spend:
    """Return what each deployment posted in each step."""
    newest = _newest(lapse)
    step = ((newest.c.at_ns - lapse.since_ns) // lapse.step_ns).label("step")
    grouped = (
        select(
            step,
            newest.c.route,
            func.sum(newest.c.posted_nanos).label("posted_nanos"),
            func.count().label("attempts"),
            func.min(newest.c.at_ns).label("oldest_ns"),
        )
        .group_by(step, newest.c.route)
        .limit(GROUPS_MAX)
        .subquery()
    )
    joined = grouped.join(tables.route, tables.route.c.id == grouped.c.route)
    query = select(grouped, tables.route.c.deployment).select_from(joined)
    rows = connection.execute(query).mappings().all()
    amounts: dict[str, list[int]] = {}
    for row in rows:
        steps = amounts.setdefault(row["deployment"], [0] * lapse.steps)
        steps[row["step"]] += row["posted_nanos"]
    cut = sum(row["attempts"] for row in rows) >= SCAN_ROWS_MAX
    oldest_ns = min((row["oldest_ns"] for row in rows), default=lapse.since_ns)
    return Spend(lapse, _largest(amounts), oldest_ns if cut else None)


def _largest(amounts: dict[str, list[int]]) -> tuple[SpendSeries, ...]:
    ranked = sorted(
        (SpendSeries(deployment, tuple(steps)) for deployment, steps in amounts.items()),
        key=lambda series: (-series.total_nanos, series.deployment or ""),
    )
    kept = len(ranked) if len(ranked) <= SERIES_MAX else SERIES_MAX - 1
    largest, rest = ranked[:kept], ranked[kept:]
    by_name = tuple(sorted(largest, key=lambda series: series.deployment or ""))
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
    newest = _newest(lapse)
    spent = connection.execute(
        select(
            func.count().label("rows"),
            func.count(call_of(newest.c.attempt).distinct()).label("calls"),
            func.coalesce(func.sum(newest.c.posted_nanos), 0).label("posted_nanos"),
        )
    ).one()
    refused = (
        select(tables.refusal.c.call)
        .where(tables.refusal.c.at_ns >= lapse.since_ns)
        .limit(SCAN_ROWS_MAX)
    )
    open_journals = select(tables.journal.c.name).where(~tables.journal.c.ended)
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


class Attempt(NamedTuple):
    """One attempt of a call.

    Attributes:
        via: The dialect the call was translated to, None when it was not.
        state: `held` (running), `measured`, `estimated`, `unknown` or `void`.
        usage: Quantities by meter; empty while it runs.
        status: HTTP status of the provider, 0 when there was none.
        closed_by: `worker` or `takeover`; empty while it runs.
        cache: What the provider's prompt cache did, None when there is nothing to say.
    """

    attempt: str
    call: str
    journal: str
    at_ns: int
    ended_ns: int | None
    principal: str
    team: str
    key: str
    run: str | None
    chain: tuple[str, ...]
    asked: str
    deployment: str
    dialect: str
    via: str | None
    stream: bool
    decision: int
    windows: tuple[str, ...]
    input_tokens_max: int
    output_tokens_max: int
    choices: int
    hold_nanos: int
    state: str
    posted_nanos: int
    final: bool
    served_model: str | None
    upstream_id: str | None
    upstream_request_id: str | None
    status: int
    reason: str | None
    ttft_us: int | None
    duration_us: int
    usage: dict[str, int]
    lines: tuple[ChargeLine, ...]
    closed_by: str
    cache: CacheNote | None = None

    @property
    def number(self) -> int:
        """Which attempt of its call it is, counted from 1."""
        tail = self.attempt.rpartition(".")[2]
        return int(tail) if tail.isdecimal() else 1

    @property
    def is_failure(self) -> bool:
        """Whether the provider failed, so that it is measured at nothing."""
        return self.state == "measured" and self.reason is not None and not self.posted_nanos

    @property
    def input_tokens(self) -> int:
        """All tokens of the prompt."""
        return sum(self.usage.get(meter, 0) for meter in INPUT_METERS)

    @property
    def cached_tokens(self) -> int:
        """The tokens of the prompt that were read from the provider's cache."""
        return self.usage.get("cache_read", 0)

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        return sum(self.usage.get(meter, 0) for meter in OUTPUT_METERS)


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(
        **{
            **row,
            "chain": chain_of_row(row),
            "windows": windows_of_row(row),
            "usage": usage_of_row(row),
            "lines": lines_of_row(row),
            "cache": cache_of_row(row),
        }
    )


def read_attempts(connection: Connection) -> list[Attempt]:
    """Return the newest attempts, the newest first."""
    newest = select(attempts).order_by(attempts.c.at_ns.desc()).limit(ATTEMPTS_MAX)
    return [_attempt(row) for row in connection.execute(newest).mappings()]


class Refused(NamedTuple):
    """A call that was refused before any attempt.

    Attributes:
        budget: The budget that refused it, None when none did.
    """

    call: str
    at_ns: int
    principal: str
    team: str
    key: str
    run: str | None
    asked: str
    code: str
    message: str
    budget: str | None
    chain: tuple[str, ...]


def _refused(row: RowMapping) -> Refused:
    return Refused(**{**row, "chain": chain_of_row(row)})


def read_refusals(connection: Connection) -> list[Refused]:
    """Return the newest refusals, the newest first."""
    newest = select(tables.refusal).order_by(tables.refusal.c.at_ns.desc()).limit(REFUSALS_MAX)
    return [_refused(row) for row in connection.execute(newest).mappings()]


class Opened(NamedTuple):
    """One attempt with the decision it was made by, None when that is not kept."""

    attempt: Attempt
    decision: DecisionRecord | None

    @property
    def ranked(self) -> tuple[CandidateRecord, ...]:
        """The candidates: the cheapest eligible one first, the excluded ones last."""
        if self.decision is None:
            return ()
        return tuple(sorted(self.decision.candidates, key=_rank))


def _rank(candidate: CandidateRecord) -> tuple[bool, int, str]:
    return (
        candidate.excluded is not None,
        candidate.expected_nanos or 0,
        candidate.deployment,
    )


class OpenedCall(NamedTuple):
    """A call in full: its attempts in order, or why it was refused."""

    call: str
    attempts: tuple[Opened, ...]
    refusal: Refused | None

    @property
    def posted_nanos(self) -> int:
        """What all its attempts cost."""
        return sum(opened.attempt.posted_nanos for opened in self.attempts)

    @property
    def is_running(self) -> bool:
        """Whether an attempt of it still holds money."""
        return any(opened.attempt.state == "held" for opened in self.attempts)


def find_call(connection: Connection, call: str) -> OpenedCall | None:
    """Return a call in full, None when the store does not know it."""
    of_call = (
        select(attempts)
        .where(is_of_call(call))
        .order_by(attempts.c.at_ns, attempts.c.attempt)
        .limit(ATTEMPTS_PER_CALL_MAX)
    )
    tried = tuple(
        Opened(one, _find_decision(connection, one))
        for one in [_attempt(row) for row in connection.execute(of_call).mappings()]
    )
    of_refusal = select(tables.refusal).where(tables.refusal.c.call == call)
    row = connection.execute(of_refusal).mappings().first()
    refused = None if row is None else _refused(row)
    if not tried and refused is None:
        return None
    return OpenedCall(call, tried, refused)


def _find_decision(connection: Connection, one: Attempt) -> DecisionRecord | None:
    record = connection.scalars(
        select(tables.decision.c.record).where(
            tables.decision.c.journal == one.journal, tables.decision.c.number == one.decision
        )
    ).first()
    return None if record is None else msgspec.json.decode(record, type=DecisionRecord)
