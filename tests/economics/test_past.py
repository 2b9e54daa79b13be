"""Months and outcomes out of the books, as `mix` and `roi` take them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from headgate.economics.inputs import InputError
from headgate.economics.mix.load_past import booked_team
from headgate.economics.roi.load_books import booked_outcomes
from headgate.economics.roi.load_rows import Outcome
from headgate.insights import outcomes
from headgate.units.instants import from_datetime
from tests.console.books import Books

NOW_NS = from_datetime(datetime(2026, 11, 15, tzinfo=UTC))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Empty books."""
    made = Books(tmp_path)
    yield made
    made.close()


def spend(books: Books, month: int, day: int, principal: str = "alice") -> tuple[str, int]:
    """Write a call half an hour before midnight in UTC; returns its id and its cost."""
    at_ns = from_datetime(datetime(2026, month, day, 23, 30, tzinfo=UTC))
    hold = books.hold(at_ns, principal=principal, windows=())
    return hold.attempt.rpartition(".")[0], books.settle(hold, {"output_text": 1_000})


def test_months_of_the_books_are_those_of_the_zone_and_ended(books: Books) -> None:
    """A call is in the month it had in the organisation's zone; the running month is left out."""
    _, cost = spend(books, 8, 31)
    spend(books, 10, 3, "bob")
    spend(books, 11, 3)
    books.fold()

    with books.reading.connect() as connection:
        utc = booked_team(connection, UTC, NOW_NS)
        berlin = booked_team(connection, ZoneInfo("Europe/Berlin"), NOW_NS)

    assert [(one.id, one.demand_nanos) for one in utc] == [
        ("alice", (cost, 0, 0)),
        ("bob", (0, 0, cost)),
    ]
    assert [(one.id, one.demand_nanos) for one in berlin] == [
        ("alice", (cost, 0)),
        ("bob", (0, cost)),
    ]


def test_books_without_a_whole_month_are_no_team(books: Books) -> None:
    """What was spent in the running month alone is no month of demand."""
    spend(books, 11, 3)
    books.fold()

    match = "Nobody has a month"
    with books.reading.connect() as connection, pytest.raises(InputError, match=match):
        booked_team(connection, UTC, NOW_NS)


def test_told_outcomes_are_attempts_with_what_they_cost(books: Books) -> None:
    """An outcome is an attempt at its task by the model that served it, at what its call cost."""
    call, cost = spend(books, 10, 3)
    books.fold()
    told = outcomes.Outcome("alice", "research", "call", call, NOW_NS, success=True, task="fix")
    with books.engine.begin() as connection:
        assert outcomes.tell(connection, told)

    with books.reading.connect() as connection:
        read = booked_outcomes(connection)

    usd = Fraction(cost, 10**9)
    assert read.rows == [Outcome("fix", "gpt-5.5-2026-08", usd, resolved=True)]
    assert read.bad == 0


@pytest.mark.parametrize(
    ("course", "resolved"),
    [
        ((False,), [False]),
        ((True, False), [False]),
        ((True, False, True), [False, True]),
        ((True, False, False, True, False), [False, False]),
    ],
)
def test_what_came_back_is_attempts_that_failed(
    books: Books, course: tuple[bool, ...], resolved: list[bool]
) -> None:
    """Each has an equal part of the cost, and none of it is counted twice."""
    call, cost = spend(books, 10, 3)
    books.fold()
    told = outcomes.Outcome("alice", "research", "call", call, NOW_NS, success=True)
    with books.engine.begin() as connection:
        assert all(outcomes.tell(connection, told._replace(success=one)) for one in course)

    with books.reading.connect() as connection:
        rows = booked_outcomes(connection).rows

    assert [row.resolved for row in rows] == resolved
    assert sum(row.cost_usd for row in rows) == Fraction(cost, 10**9)
    assert len({row.cost_usd for row in rows}) == 1
