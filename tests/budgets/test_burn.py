"""How fast a budget burns: the pace, the date it is used up, and the alarm about it."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from headgate.budgets.burn import LONG_NS, Sample, burn_of
from headgate.budgets.keeper import HOUR_NS, burns, watch
from headgate.budgets.settings import Budget
from headgate.budgets.standing import Standing, standings
from headgate.budgets.tables import spend_sample
from headgate.ledger.tables import window
from headgate.store import audit
from tests.stores import open_test_store

S = 1_000_000_000
NOW_NS = 1_795_000_000 * S


def steady(per_minute: int, minutes: int) -> list[Sample]:
    """Return a sample a minute of a steady pace, up to now."""
    first = NOW_NS - minutes * 60 * S
    return [Sample(first + n * 60 * S, n * per_minute) for n in range(minutes + 1)]


def test_a_steady_pace_tells_when_it_ends() -> None:
    """Ten a minute and 600 left: in an hour."""
    burn = burn_of(steady(10, 90), 600, None)

    assert burn.spent_last_hour_nanos == 600
    assert burn.exhausted_ns == NOW_NS + 3_600 * S


def test_what_renews_before_is_not_exhausted() -> None:
    """The window ends first."""
    assert burn_of(steady(10, 90), 600, NOW_NS + 3_500 * S).exhausted_ns is None


def test_a_burst_that_is_over_is_no_alarm() -> None:
    """An hour's average alone would cry for another 55 minutes."""
    burst = [Sample(NOW_NS - 3_000 * S, 0), Sample(NOW_NS - 2_900 * S, 1_000)]
    calm = [Sample(NOW_NS - n * 60 * S, 1_000) for n in range(10, -1, -1)]

    assert burn_of([*burst, *calm], 10, None).exhausted_ns is None


def test_the_slower_pace_counts() -> None:
    """A burst that has just begun counts with the calm before it."""
    calm = [Sample(NOW_NS - n * 60 * S, 0) for n in range(60, 4, -1)]
    burst = [Sample(NOW_NS, 600)]

    burn = burn_of([*calm, *burst], 600, None)

    assert burn.exhausted_ns == NOW_NS + 3_600 * S


def test_nothing_left_is_used_up_now() -> None:
    """Whatever the pace."""
    assert burn_of([Sample(NOW_NS, 5)], 0, None).exhausted_ns == NOW_NS


@given(
    posted=st.lists(st.integers(0, 10**12), max_size=30),
    step_s=st.integers(1, 600),
    free=st.integers(-(10**12), 10**15),
)
def test_the_date_is_never_in_the_past(posted: list[int], step_s: int, free: int) -> None:
    """Whatever was spent: the end lies at or behind now, and what was spent is not negative."""
    sums = [sum(posted[: n + 1]) for n in range(len(posted))]
    first = NOW_NS - len(sums) * step_s * S
    samples = [Sample(first + (n + 1) * step_s * S, total) for n, total in enumerate(sums)]

    burn = burn_of(samples, free, None)

    assert burn.spent_last_hour_nanos >= 0
    assert burn.exhausted_ns is None or burn.exhausted_ns >= NOW_NS


BUDGETS = {
    "lab": Budget("lab", "team:lab", "once", 10_000, alarm_within_hours=2),
    "quiet": Budget("quiet", "team:quiet", "once", 10_000, alarm_within_hours=0),
    "runs": Budget("runs", "run:*", "once", 100),
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A store with a window of each budget, nothing posted."""
    engine = open_test_store(tmp_path)
    empty = {"held_nanos": 0, "unaccounted_nanos": 0, "posted_nanos": 0}
    rows = [
        {"window": "lab@once", "budget": "lab", **empty},
        {"window": "quiet@once", "budget": "quiet", **empty},
        {"window": "runs/alice/r1@once", "budget": "runs", **empty},
    ]
    with engine.connect() as connection:
        connection.execute(insert(window), rows)
        yield connection
    engine.dispose()


def spend(connection: Connection, total: int, at_ns: int) -> list[Standing]:
    """Post up to a total on every window, and take a sample."""
    connection.execute(update(window).values(posted_nanos=total))
    found = standings(connection, BUDGETS.values(), at_ns, UTC)
    watch(connection, found, BUDGETS, at_ns)
    return found


def told(connection: Connection) -> list[tuple[str, str]]:
    """Return what the audit chain says, oldest first."""
    return [(entry.action, entry.subject) for entry in audit.entries(connection)]


def test_an_alarm_is_raised_once_and_ended_once(connection: Connection) -> None:
    """As long as it burns there is one entry; when it is calm again, another."""
    for minute in range(20):
        spend(connection, 100 * minute, NOW_NS + minute * 60 * S)
    for minute in range(20, 40):
        spend(connection, 2_000, NOW_NS + minute * 60 * S)

    assert told(connection) == [("budget.burning", "budget:lab"), ("budget.calm", "budget:lab")]
    assert audit.verify(connection).broken_at is None


def test_a_slow_pace_raises_none(connection: Connection) -> None:
    """It will last for longer than the budget's hours."""
    for minute in range(20):
        spend(connection, 10 * minute, NOW_NS + minute * 60 * S)

    assert told(connection) == []


def test_an_alarm_ends_silently_with_its_budget(connection: Connection) -> None:
    """A period that is over burns no more, and its next alarm is told again."""
    found: list[Standing] = []
    for minute in range(20):
        found = spend(connection, 300 * minute, NOW_NS + minute * 60 * S)
    watch(connection, [], BUDGETS, NOW_NS + 21 * 60 * S)
    watch(connection, found, BUDGETS, NOW_NS + 22 * 60 * S)

    assert [action for action, _ in told(connection)] == ["budget.burning"] * 2


def test_samples_do_not_pile_up(connection: Connection) -> None:
    """A little over an hour of them is kept, of configured budgets only."""
    found: list[Standing] = []
    for minute in range(0, 240, 5):
        found = spend(connection, minute, NOW_NS + minute * 60 * S)

    rows = connection.execute(spend_sample.select()).all()
    assert {row.window for row in rows} == {"lab@once", "quiet@once"}
    assert min(row.at_ns for row in rows) >= NOW_NS + 235 * 60 * S - LONG_NS - 60 * S
    assert burns(connection, found)["lab"].spent_last_hour_nanos == 60
    assert HOUR_NS == 3_600 * S
