"""Carry-over: what a period leaves unused is the next one's, once, whatever is settled late."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from headgate.budgets.limits import Limits
from headgate.budgets.periods import HOUR_NS, span_at
from headgate.budgets.settings import Budget, Calendar
from headgate.budgets.standing import standings
from headgate.budgets.store_periods import keep_periods
from headgate.ledger import tables
from headgate.ledger.book import LeaseBook
from headgate.store.database import make_engine
from headgate.store.schema import METADATA
from headgate.units.ids import window_key
from headgate.units.instants import from_datetime

DAY_NS = 24 * HOUR_NS
FIRST_NS = from_datetime(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A store in memory, in one transaction."""
    engine = make_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


class Office:
    """A steward's limits and book, looked after as it does."""

    def __init__(self, connection: Connection, limit: int = 100, carry: int = 100) -> None:
        self.connection = connection
        self.budget = Budget("b", "organisation", "day", limit, carry_nanos_max=carry)
        self.book = LeaseBook()
        self.start()

    def start(self) -> None:
        """Begin anew, as after a crash: only the store and the books are left."""
        self.limits = Limits({"b": self.budget})
        self.limits.used = self.book.used

    def look(self, day: float) -> None:
        """Look at a time of a day, counted from the first of the month."""
        now_ns = FIRST_NS + int(day * DAY_NS)
        keep_periods(self.connection, [self.budget], self.limits, now_ns, UTC)

    def limit(self, day: int) -> int:
        """Return the limit of a day."""
        limit = self.limits(window(day))
        assert limit is not None
        return limit

    def spend(self, day: int, amount: int) -> None:
        """Post on a day's window."""
        self.book.account(window(day), self.limit(day))
        self.book.post("j", window(day), amount)


def window(day: int) -> str:
    """Return the window of a day, counted from 0."""
    return f"b@2026-11-{day + 1:02d}"


def test_what_is_left_is_added_to_the_next_period_alone(connection: Connection) -> None:
    """70 are left of 100, so the next has 170; of those 160 stay, and the bound is 100."""
    office = Office(connection)
    office.look(0.5)
    office.spend(0, 30)
    assert (office.limit(0), office.limit(1)) == (100, 170)
    office.look(1.5)
    office.spend(1, 10)
    assert office.limit(2) == 200


def test_the_first_moment_of_a_period_has_it_already(connection: Connection) -> None:
    """The last look was before midnight."""
    office = Office(connection)
    office.look(0.99)
    office.spend(0, 30)
    assert office.limit(1) == 170


def test_what_is_settled_late_corrects_it_in_both_directions(connection: Connection) -> None:
    """A call over midnight counts at its hold, then at what it cost, beyond the hold too."""
    office = Office(connection)
    office.look(0.5)
    office.book.account(window(0), 100)
    office.book.lend("j", window(0), 40)
    office.look(1.5)
    assert office.limit(1) == 160
    office.spend(0, 90)
    assert office.limit(1) == 110
    office.spend(0, 20)
    assert office.limit(1) == 100


def test_a_correction_of_an_earlier_period_changes_what_is_carried(connection: Connection) -> None:
    """A credit leaves more of it and a debit less; the limit that it had stays."""
    office = Office(connection)
    office.look(0.5)
    office.spend(0, 60)
    office.look(1.5)
    office.book.adjust(window(0), -20)
    assert office.limit(1) == 160
    office.book.adjust(window(0), 90)
    assert (office.limit(0), office.limit(1)) == (100, 100)


def test_a_correction_in_a_rolling_window_counts_until_its_slot_has_passed() -> None:
    """In the slots that are looked back over; behind them it moves nothing."""
    book = LeaseBook()
    budget = Budget("r", "organisation", "rolling", 100, calendar=Calendar(hours=24))
    limits = Limits({"r": budget})
    limits.used = book.used
    slots = [span_at(budget, FIRST_NS + hour * HOUR_NS, UTC) for hour in (0, 24, 25)]
    first, within, behind = (window_key("r", span.key) for span in slots if span is not None)
    book.account(first, 100)
    book.post("j", first, 70)
    book.adjust(first, -30)

    assert [limits(each) for each in (first, within, behind)] == [100, 60, 100]


def test_a_changed_limit_does_not_change_what_a_past_period_left(connection: Connection) -> None:
    """Half is left of 100; that the limit is 1,000 today makes it no 950."""
    office = Office(connection)
    office.look(0.5)
    office.spend(0, 50)
    office.budget = office.budget._replace(limit_nanos=1_000, carry_nanos_max=1_000)
    office.start()
    office.look(1.5)
    assert office.limit(1) == 1_050


def test_a_period_that_nobody_saw_leaves_nothing(connection: Connection) -> None:
    """A new budget starts with its limit, and so does one after a day without a node."""
    office = Office(connection)
    office.look(4.5)
    assert office.limit(4) == 100
    office.look(6.5)
    assert office.limit(6) == 100


def test_a_standing_tells_what_was_carried(connection: Connection) -> None:
    """The command line reads it from the store, without a steward."""
    office = Office(connection)
    office.look(0.5)
    row = {"budget": "b", "posted_nanos": 30, "held_nanos": 5, "unaccounted_nanos": 0}
    connection.execute(insert(tables.window).values(window=window(0), **row))
    now_ns = FIRST_NS + DAY_NS + 1
    (found,) = standings(connection, [office.budget], now_ns, UTC)
    assert (found.carried_nanos, found.limit_nanos, found.free_nanos) == (65, 165, 165)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 150),
    st.lists(
        st.tuples(
            st.sampled_from(["look", "spend", "late", "restart", "night"]), st.integers(0, 120)
        ),
        max_size=30,
    ),
)
def test_days_together_never_have_more_than_their_limits(
    carry: int, steps: list[tuple[str, int]]
) -> None:
    """Looking twice or starting anew adds nothing, and each day has what it should have."""
    engine = make_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        office, day = Office(connection, carry=carry), 0
        office.look(0)
        spent = {0: 0}
        seen = {0: 100}
        for what, amount in steps:
            if what == "spend":
                amount = min(amount, office.limit(day) - spent[day])
                if amount > 0:
                    office.spend(day, amount)
                    spent[day] += amount
            elif what == "late" and day:
                office.spend(day - 1, amount)
                spent[day - 1] += amount
            elif what == "restart":
                office.start()
            elif what == "night" and day < 27:
                office.look(day + 0.9)
                day += 1
                spent[day] = 0
            office.look(day + 0.5)
            before = seen.get(day - 1)
            left = 0 if before is None else max(0, before - spent[day - 1])
            seen[day] = 100 + min(carry, left)
            assert office.limit(day) == seen[day]
    engine.dispose()
