"""What exports read: attempts that have ended, by the time their calls came."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from headgate.catalog.settings import Deployment
from headgate.insights.calls import AttemptRow, RefusedRow, attempt_row, refused_row
from headgate.insights.totals import Stretch
from headgate.ledger.tables import adjustment, attempt, attempts, refusal
from headgate.providers.settings import Provider

ROWS_AT_ONCE = 1_000


class Known(NamedTuple):
    """What the configuration says of a deployment that an attempt went to.

    Attributes:
        provider: The seller's name, such as the price book has it.
        region: None when unknown.
        kind: The kind of provider, empty when unknown.
        model: The name sent upstream, empty when unknown.
    """

    provider: str
    region: str | None = None
    kind: str = ""
    model: str = ""


def known_of(
    deployments: Iterable[Deployment], providers: Mapping[str, Provider]
) -> dict[str, Known]:
    """Return what the configuration says, by deployment."""
    return {
        each.id: Known(
            each.seller,
            each.region,
            providers[each.provider].kind if each.provider in providers else "",
            each.model,
        )
        for each in deployments
    }


def ended_attempts(
    connection: Connection, stretch: Stretch, team: str | None = None
) -> Iterator[AttemptRow]:
    """Yield the attempts of a stretch that have ended, in order of time and id.

    They are read a piece at a time, however many there are.

    Args:
        connection: To the store.
        stretch: When their calls came.
        team: Whose, None for all.
    """
    query = select(attempts).where(attempts.c.state != "held")
    if team is not None:
        query = query.where(attempts.c.team == team)
    query = query.where(*within(attempts.c.at_ns, stretch)).order_by(
        attempts.c.at_ns, attempts.c.attempt
    )
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    return (attempt_row(row) for row in found.mappings())


def refused_calls(connection: Connection, stretch: Stretch) -> Iterator[RefusedRow]:
    """Yield the calls of a stretch that were refused, in order of time and id."""
    query = select(refusal)
    query = query.where(*within(refusal.c.at_ns, stretch)).order_by(refusal.c.at_ns, refusal.c.call)
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    return (refused_row(row) for row in found.mappings())


class Correction(NamedTuple):
    """A signed difference to what was posted; see `records.journal.AdjustmentRecord`.

    Attributes:
        of: The attempt it corrects, None for a correction of windows alone.
    """

    id: str
    at_ns: int
    amount_nanos: int
    reason: str
    source: str
    of: AttemptRow | None


def corrections(connection: Connection, stretch: Stretch) -> Iterator[Correction]:
    """Yield the corrections that were made in a stretch, in order of time and id."""
    query = select(adjustment).where(*within(adjustment.c.at_ns, stretch))
    for row in connection.execute(query.order_by(adjustment.c.at_ns, adjustment.c.id)).all():
        found = select(attempts).where(attempts.c.attempt == row.attempt)
        of = connection.execute(found).mappings().first()
        known = None if of is None else attempt_row(of)
        yield Correction(row.id, row.at_ns, row.amount_nanos, row.reason, row.source, known)


def count_ended(connection: Connection, stretch: Stretch) -> int:
    """Return how many attempts of a stretch have ended."""
    return _count(connection, stretch, attempt.c.state != "held")


def still_running(connection: Connection, stretch: Stretch) -> int:
    """Return how many attempts of a stretch hold money yet."""
    return _count(connection, stretch, attempt.c.state == "held")


def _count(connection: Connection, stretch: Stretch, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(attempt)
    query = query.where(condition, *within(attempt.c.at_ns, stretch))
    return connection.scalar(query) or 0


def within(column: ColumnElement[int], stretch: Stretch) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that an instant is in a stretch."""
    if stretch.from_ns is not None:
        yield column >= stretch.from_ns
    if stretch.until_ns is not None:
        yield column < stretch.until_ns
