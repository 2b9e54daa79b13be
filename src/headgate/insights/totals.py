"""What calls come to, summed from their rows."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    distinct,
    exists,
    func,
    literal_column,
    select,
)

from headgate.ledger.tables import adjustment, attempts, refusal

Side = Literal[
    "principal", "team", "key", "agent", "model", "deployment", "day", "month", "run", "tag"
]
SIDES: tuple[Side, ...] = get_args(Side)

# A blank, which is in no id, between the two; it stands in the SQL itself, for PostgreSQL groups by
# nothing else.
_BLANK: ColumnElement[str] = literal_column("' '")

_ATTEMPT_SIDES: dict[str, ColumnElement[Any]] = {
    "principal": attempts.c.principal,
    "team": attempts.c.team,
    "key": attempts.c.key,
    "agent": attempts.c.principal + _BLANK + attempts.c.chain,
    "model": attempts.c.served_model,
    "deployment": attempts.c.deployment,
    "run": attempts.c.run,
    "tag": attempts.c.tags,
}
_REFUSAL_SIDES: dict[str, ColumnElement[Any]] = {
    "principal": refusal.c.principal,
    "team": refusal.c.team,
    "key": refusal.c.key,
    "agent": refusal.c.principal + _BLANK + refusal.c.chain,
    "run": refusal.c.run,
}


class Stretch(NamedTuple):
    """A stretch of time, from inclusive, until exclusive; None is open."""

    from_ns: int | None = None
    until_ns: int | None = None


@dataclass(slots=True)
class Totals:
    """Sums over some calls.

    Attributes:
        name: What they have in common; None for those that have none (no run, no model
            answered, refused before a deployment was chosen).
        calls: Calls with at least one attempt.
        refused: Calls that were refused before any attempt.
        spend_nanos: Posted, measured and estimated together.
        estimated_nanos: The estimated part of it.
        unknown_calls: Calls without a known price, posted at nothing.
        held_nanos: Held by attempts that still run.
        adjusted_nanos: What corrections have added to the spend since. Those of no attempt
            count when they were made, and have no name.
    """

    name: str | None = None
    calls: int = 0
    refused: int = 0
    spend_nanos: int = 0
    estimated_calls: int = 0
    estimated_nanos: int = 0
    unknown_calls: int = 0
    held_nanos: int = 0
    adjusted_nanos: int = 0

    def add(self, other: "Totals") -> None:
        """Add the sums over other calls of the same name."""
        self.calls += other.calls
        self.refused += other.refused
        self.spend_nanos += other.spend_nanos
        self.estimated_calls += other.estimated_calls
        self.estimated_nanos += other.estimated_nanos
        self.unknown_calls += other.unknown_calls
        self.held_nanos += other.held_nanos
        self.adjusted_nanos += other.adjusted_nanos


def totals_of(
    connection: Connection, side: Side | None, stretch: Stretch
) -> dict[str | None, Totals]:
    """Return the sums over the calls of a stretch by their names, without corrections.

    Args:
        connection: To the store.
        side: What names them, but no day or month; None for one sum over all, whose name is None.
            Tags are named as all the tags of a call, agents by their principal and whole chain.
        stretch: When they were held or refused.
    """
    found: dict[str | None, Totals] = {}
    name = _ATTEMPT_SIDES.get(side) if side else None
    query = _grouped(name, _SUMS).where(*within(attempts.c.at_ns, stretch))
    for row in connection.execute(query):
        label = None if name is None else row[-1]
        calls, *sums = row[: len(_SUMS)]
        found[label] = Totals(label, calls, 0, *(value or 0 for value in sums))
    name = _REFUSAL_SIDES.get(side) if side else None
    refusals = _grouped(name, (func.count(),)).select_from(refusal)
    for row in connection.execute(refusals.where(*within(refusal.c.at_ns, stretch))):
        label = None if name is None else row[-1]
        if row[0]:
            found.setdefault(label, Totals(label)).refused = row[0]
    return found


def adjusted_of(
    connection: Connection, side: Side | None, stretch: Stretch
) -> dict[str | None, int]:
    """Return the sums of corrections, by where the attempts that they correct belong.

    Those of no attempt count when they were made.
    """
    columns = adjustment.c
    if not connection.scalar(select(exists().where(columns.id.is_not(None)))):
        # Most books have none, and there is nothing to join them with.
        return {}
    name = _ATTEMPT_SIDES.get(side) if side else None
    joined = adjustment.join(attempts, attempts.c.attempt == columns.attempt)
    of_attempts = _grouped(name, (func.sum(columns.amount_nanos),)).select_from(joined)
    alone = select(func.sum(columns.amount_nanos)).where(columns.attempt.is_(None))
    alone = alone.where(*within(columns.at_ns, stretch))
    found: dict[str | None, int] = {}
    rows = connection.execute(of_attempts.where(*within(attempts.c.at_ns, stretch))).all()
    for row in (*rows, *connection.execute(alone)):
        label = None if name is None or len(row) == 1 else row[-1]
        if row[0] is not None:
            found[label] = found.get(label, 0) + int(row[0])
    return found


def _grouped(
    name: ColumnElement[Any] | None, sums: tuple[ColumnElement[int], ...]
) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(*sums)
    return query if name is None else query.add_columns(name).group_by(name)


def _sum_where(state: str, amount: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(case((attempts.c.state == state, amount), else_=0))


def _calls_where(state: str) -> ColumnElement[int]:
    return func.count(distinct(case((attempts.c.state == state, attempts.c.call))))


_SUMS: tuple[ColumnElement[int], ...] = (
    func.count(distinct(attempts.c.call)),
    func.sum(attempts.c.posted_nanos),
    _calls_where("estimated"),
    _sum_where("estimated", attempts.c.posted_nanos),
    _calls_where("unknown"),
    _sum_where("held", attempts.c.hold_nanos),
)


ALONE = select(adjustment.c.at_ns).where(adjustment.c.attempt.is_(None)).subquery()
"""When corrections of no attempt were made."""


def within(column: ColumnElement[int], stretch: Stretch) -> list[ColumnElement[bool]]:
    """Select what happened within a stretch."""
    conditions: list[ColumnElement[bool]] = []
    if stretch.from_ns is not None:
        conditions.append(column >= stretch.from_ns)
    if stretch.until_ns is not None:
        conditions.append(column < stretch.until_ns)
    return conditions
