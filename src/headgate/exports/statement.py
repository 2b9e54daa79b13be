"""Statements: what a team was charged in a month, so that every sum is that of the books.

A month is the organisation's. A charge belongs to the month its call came in, a correction to the
month it was made in. Amounts are nano-dollars; nothing here is rounded.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from headgate.budgets.periods import span_at
from headgate.budgets.settings import Budget
from headgate.exports.charges import ESTIMATED, parts_of
from headgate.exports.reading import Correction, corrections, ended_attempts, refused_calls, within
from headgate.insights.calls import AttemptRow
from headgate.insights.totals import Stretch
from headgate.ledger.tables import adjustment, attempts, window
from headgate.units.ids import window_key
from headgate.units.instants import from_datetime


class Charged(NamedTuple):
    """What was charged for one meter of one model."""

    model: str
    meter: str
    quantity: int
    amount_nanos: int


class Spender(NamedTuple):
    """What a principal of the team was charged."""

    principal: str
    calls: int
    amount_nanos: int


class Limit(NamedTuple):
    """A budget of the team, in the window that the month began or is.

    Attributes:
        limit_nanos: As it is configured now.
        posted_nanos: On that window; a window that is longer than a month has more.
    """

    budget: str
    period: str
    limit_nanos: int
    posted_nanos: int


class Statement(NamedTuple):
    """What a team was charged in a month.

    Attributes:
        month: `2026-10`.
        opening_nanos: All charges and corrections before the month.
        charges: By model and meter, in order.
        corrections: Made in the month, of the team's attempts.
        refused: How often, by code.
        running: Attempts of the month that have not ended: what they will cost is not in it.
    """

    organisation: str
    team: str
    month: str
    stretch: Stretch
    opening_nanos: int
    charges: tuple[Charged, ...]
    principals: tuple[Spender, ...]
    corrections: tuple[Correction, ...]
    refused: tuple[tuple[str, int], ...]
    budgets: tuple[Limit, ...]
    running: int

    @property
    def charged_nanos(self) -> int:
        """All charges of the month."""
        return sum(each.amount_nanos for each in self.charges)

    @property
    def estimated_nanos(self) -> int:
        """The part of them that was posted at a bound."""
        return sum(each.amount_nanos for each in self.charges if each.meter == ESTIMATED)

    @property
    def corrected_nanos(self) -> int:
        """All corrections of the month."""
        return sum(each.amount_nanos for each in self.corrections)

    @property
    def total_nanos(self) -> int:
        """What the month comes to."""
        return self.charged_nanos + self.corrected_nanos

    @property
    def closing_nanos(self) -> int:
        """All charges and corrections up to the end of the month."""
        return self.opening_nanos + self.total_nanos


class Of(NamedTuple):
    """Whose statement it is, and which.

    Attributes:
        month: `2026-10`.
        zone: Where the month begins.
        budgets: All of the configuration.
    """

    organisation: str
    team: str
    month: str
    zone: tzinfo
    budgets: Iterable[Budget]


def month_of(month: str, zone: tzinfo) -> Stretch:
    """Return a month such as `2026-10` as a stretch of time.

    Raises:
        ValueError: It is none.
    """
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone)
    years, months = divmod(start.month, 12)
    end = start.replace(year=start.year + years, month=months + 1)
    return Stretch(from_datetime(start), from_datetime(end))


def statement(connection: Connection, of: Of) -> Statement:
    """Return a team's statement of a month.

    Raises:
        ValueError: There is no such month.
    """
    stretch = month_of(of.month, of.zone)
    charges, principals = _sums(ended_attempts(connection, stretch, of.team))
    refused = Counter(
        no.refused.code for no in refused_calls(connection, stretch) if no.team == of.team
    )
    found = corrections(connection, stretch)
    return Statement(
        organisation=of.organisation,
        team=of.team,
        month=of.month,
        stretch=stretch,
        opening_nanos=_opening(connection, of.team, stretch),
        charges=charges,
        principals=principals,
        corrections=tuple(each for each in found if each.of and each.of.team == of.team),
        refused=tuple(sorted(refused.items())),
        budgets=tuple(_limits(connection, of, stretch)),
        running=_running(connection, of.team, stretch),
    )


def _opening(connection: Connection, team: str, stretch: Stretch) -> int:
    before = Stretch(None, stretch.from_ns)
    posted = select(func.sum(attempts.c.posted_nanos)).where(attempts.c.team == team)
    posted = posted.where(attempts.c.state != "held", *within(attempts.c.at_ns, before))
    joined = adjustment.join(attempts, attempts.c.attempt == adjustment.c.attempt)
    corrected = select(func.sum(adjustment.c.amount_nanos)).select_from(joined)
    corrected = corrected.where(attempts.c.team == team, *within(adjustment.c.at_ns, before))
    return sum(int(connection.scalar(each) or 0) for each in (posted, corrected))


def _running(connection: Connection, team: str, stretch: Stretch) -> int:
    query = select(func.count()).select_from(attempts)
    query = query.where(attempts.c.state == "held", attempts.c.team == team)
    return connection.scalar(query.where(*within(attempts.c.at_ns, stretch))) or 0


def _sums(rows: Iterable[AttemptRow]) -> tuple[tuple[Charged, ...], tuple[Spender, ...]]:
    """Return what attempts come to, by model and meter, and by principal."""
    quantities: Counter[tuple[str, str]] = Counter()
    amounts: Counter[tuple[str, str]] = Counter()
    calls: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for row in rows:
        calls[row.principal] += row.number == 1
        spent[row.principal] += row.posted_nanos
        for part in parts_of(row):
            key = (row.served_model or row.deployment, part.meter)
            quantities[key] += part.quantity
            amounts[key] += part.amount_nanos
    return (
        tuple(Charged(*key, quantities[key], amounts[key]) for key in sorted(amounts)),
        tuple(Spender(who, calls[who], spent[who]) for who in sorted(spent)),
    )


def _limits(connection: Connection, of: Of, stretch: Stretch) -> Iterable[Limit]:
    assert stretch.from_ns is not None
    for budget in of.budgets:
        # A rolling budget has no window that a month could be shown beside.
        rolls = budget.period == "rolling"
        span = None if rolls else span_at(budget, stretch.from_ns, of.zone)
        if budget.node == f"team:{of.team}" and span is not None:
            key = window_key(budget.window_name, span.key)
            query = select(window.c.posted_nanos).where(window.c.window == key)
            posted = connection.scalar(query) or 0
            yield Limit(budget.id, key.partition("@")[2], budget.limit_nanos, posted)
