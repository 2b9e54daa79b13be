"""Sums over imported records by what they have in common: days, models, sessions ..."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from typing import Any, Literal, get_args

from headgate.economics.usage_logs.store import UsageStore
from headgate.units.instants import NANOS_PER_SECOND, to_datetime
from headgate.units.usage import Usage

Side = Literal["day", "week", "month", "log", "seat", "seller", "model", "project", "session"]
SIDES: tuple[Side, ...] = get_args(Side)

QUARTER_NS = 900 * NANOS_PER_SECOND
"""Every zone's days begin at a whole quarter of an hour."""

_TEXTS: tuple[Side, ...] = ("log", "seat", "seller", "project", "session", "model")
_SUMS = """
SELECT iif(?1, started_ns / ?2, 0), iif(?3, source, ''), iif(?4, seat, ''), iif(?5, seller, ''),
    iif(?6, project, ''), iif(?7, session, ''), model,
    count(*), sum(calls), coalesce(sum(cost_nanos), 0), coalesce(sum(cost_high_nanos), 0),
    sum(cost_nanos IS NULL),
    sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h),
    sum(cache_write_24h), sum(input_audio), sum(output_text), sum(output_reasoning),
    sum(output_audio), sum(web_search)
FROM usage WHERE started_ns >= ?8 AND started_ns < ?9 GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
"""Always by the model, for each group names its models; what is not asked for is not told apart."""
_PERIODS: dict[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": lambda day: (day - timedelta(days=day.weekday())).isoformat(),
    "month": lambda day: f"{day:%Y-%m}",
}


@dataclass(slots=True)
class Group:
    """Sums over some records.

    Attributes:
        names: What they have in common, one for each side; "" for records that do not say.
        models: All models that were used, by name.
        cost_nanos: The least it can have cost at list price; records without a price are not in it.
        cost_high_nanos: The most.
        unpriced: How many records have no price.
    """

    names: tuple[str, ...]
    records: int = 0
    calls: int = 0
    models: set[str] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    cost_nanos: int = 0
    cost_high_nanos: int = 0
    unpriced: int = 0

    def add(self, other: "Group") -> None:
        """Add the sums over other records."""
        self.records += other.records
        self.calls += other.calls
        self.models |= other.models
        self.usage = Usage(*map(sum, zip(self.usage, other.usage, strict=True)))
        self.cost_nanos += other.cost_nanos
        self.cost_high_nanos += other.cost_high_nanos
        self.unpriced += other.unpriced


def grouped(
    store: UsageStore,
    sides: Sequence[Side],
    stretch: tuple[int | None, int | None],
    zone: tzinfo,
) -> list[Group]:
    """Return the sums over the records of a stretch by one side or several.

    Args:
        store: What was imported.
        sides: What to group by; the first is the outermost.
        stretch: When a call began: from the first, before the second; None is open.
        zone: Whose days, weeks (from Monday on) and months these are.

    Returns:
        Times ascend; of all else the dearest comes first.
    """
    found: dict[tuple[str, ...], Group] = {}
    for group in _rows(store, sides, stretch, zone):
        found.setdefault(group.names, Group(group.names)).add(group)
    outer: dict[tuple[str, ...], int] = {}
    for names, group in found.items():
        for depth in range(1, len(names) + 1):
            outer[names[:depth]] = outer.get(names[:depth], 0) + group.cost_nanos

    def place(group: Group) -> tuple[tuple[int, str], ...]:
        return tuple(
            (0 if side in _PERIODS else -outer[group.names[: at + 1]], group.names[at])
            for at, side in enumerate(sides)
        )

    return sorted(found.values(), key=place)


def span(store: UsageStore) -> tuple[int, int] | None:
    """Return when the first and the last call began; None when nothing was imported."""
    query = "SELECT min(started_ns), max(started_ns) FROM usage"
    first, last = store.connection.execute(query).fetchone()
    return None if first is None else (int(first), int(last))


def _rows(
    store: UsageStore,
    sides: Sequence[Side],
    stretch: tuple[int | None, int | None],
    zone: tzinfo,
) -> Iterator[Group]:
    wanted = [any(side in _PERIODS for side in sides), QUARTER_NS]
    wanted += [side in sides for side in _TEXTS if side != "model"]
    from_ns, until_ns = stretch
    # No call began at the last instant there is.
    ends = (-(2**63) if from_ns is None else from_ns, 2**63 - 1 if until_ns is None else until_ns)
    for row in store.connection.execute(_SUMS, (*wanted, *ends)):
        yield _group(row, sides, zone)


def _group(row: tuple[Any, ...], sides: Sequence[Side], zone: tzinfo) -> Group:
    quarter, *texts = row[: len(_TEXTS) + 1]
    day = to_datetime(quarter * QUARTER_NS).astimezone(zone).date()
    told = dict(zip(_TEXTS, texts, strict=True))
    names = tuple(_PERIODS[side](day) if side in _PERIODS else told[side] for side in sides)
    records, calls, cost, high, unpriced, *quantities = row[len(_TEXTS) + 1 :]
    models = {told["model"]} - {""}
    return Group(names, records, calls, models, Usage(*quantities), cost, high, unpriced)
