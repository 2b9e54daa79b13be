"""Reads calls that were served, with the decision each was sent by, a bounded part at a time."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, select
from sqlalchemy.engine import RowMapping

from headgate.ledger.rows import usage_of_row
from headgate.ledger.tables import attempts, decision
from headgate.records.charge import HEDGE_LOST
from headgate.records.journal import DecisionRecord
from headgate.units.usage import METERS, Usage

ROWS_PER_FETCH = 1_000
DECISIONS_KEPT = 2_000
SERVED = 200
US_PER_MS = 1_000

_decode = msgspec.json.Decoder(DecisionRecord).decode


class Served(NamedTuple):
    """A call that was answered and measured.

    Attributes:
        unit: The session's name, else the principal: what arms are drawn for.
        session: Whose calls share a prompt's prefix, by session or run; None where nobody says.
        nodes: Those its prices may be agreed for: key, principal, team.
        posted_nanos: With its corrections.
        record: The decision it was sent by.
        attempt: Its id.
        final: Whether it ended its call; a cascade asks on after others.
        lost: Whether another attempt, which ran beside it, gave the answer.
    """

    at_ns: int
    principal: str
    unit: str
    session: str | None
    nodes: tuple[str, ...]
    deployment: str
    usage: Usage
    posted_nanos: int
    duration_ms: int
    record: DecisionRecord
    attempt: str = ""
    final: bool = True
    lost: bool = False


class Stretch(NamedTuple):
    """Which calls.

    Attributes:
        since_ns: The first instant.
        until_ns: The first instant that is too late.
        asked: The alias they asked for, None for any name.
    """

    since_ns: int
    until_ns: int
    asked: str | None = None

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Return what selects their attempts."""
        columns = attempts.c
        within = (columns.at_ns >= self.since_ns, columns.at_ns < self.until_ns)
        return within if self.asked is None else (*within, columns.asked == self.asked)


def count_served(connection: Connection, wanted: Stretch) -> tuple[int, int]:
    """Return how many attempts were answered and measured, and how many were not."""
    good = case((and_(*_GOOD), 1), else_=0)
    query = select(func.count(), func.sum(good)).where(*wanted.conditions())
    every, measured = connection.execute(query.select_from(attempts)).one()
    return int(measured or 0), int(every) - int(measured or 0)


def served(connection: Connection, wanted: Stretch) -> Iterator[Served]:
    """Yield calls that were answered and measured, in the order in which they were made."""
    of_it = and_(decision.c.journal == attempts.c.journal, decision.c.number == attempts.c.decision)
    query = (
        select(attempts, decision.c.record)
        .select_from(attempts.join(decision, of_it))
        .where(*wanted.conditions(), *_GOOD)
        .order_by(attempts.c.at_ns, attempts.c.attempt)
    )
    records = _Records()
    rows = connection.execution_options(yield_per=ROWS_PER_FETCH).execute(query)
    for row in rows.mappings():
        yield _served(row, records.of(row["journal"], row["decision"], row["record"]))


_GOOD = (attempts.c.state == "measured", attempts.c.status == SERVED)


class _Records:
    """The last decisions that were read: calls that are alike share one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], DecisionRecord] = OrderedDict()

    def of(self, journal: str, number: int, text: str) -> DecisionRecord:
        """Return a decision."""
        key = (journal, number)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= DECISIONS_KEPT:
                self._kept.popitem(last=False)
            found = self._kept[key] = _decode(text)
        return found


def _served(row: RowMapping, record: DecisionRecord) -> Served:
    counts = {meter: n for meter, n in usage_of_row(row).items() if meter in METERS}
    session = row["session"] or row["run"]
    principal = row["principal"]
    return Served(
        at_ns=row["at_ns"],
        principal=principal,
        unit=row["session"] or principal,
        session=None if session is None else f"{principal}/{session}",
        nodes=(f"key:{row['key']}", f"principal:{principal}", f"team:{row['team']}"),
        deployment=row["deployment"],
        usage=Usage(**counts),
        posted_nanos=row["posted_nanos"] + row["adjusted_nanos"],
        duration_ms=row["duration_us"] // US_PER_MS,
        record=record,
        attempt=row["attempt"],
        final=row["final"],
        lost=row["reason"] == HEDGE_LOST,
    )
