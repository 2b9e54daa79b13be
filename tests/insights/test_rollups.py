"""Hours that are rolled up: reports say the same as from the rows, whatever comes late."""

from collections.abc import Iterator
from dataclasses import astuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select, update

from headgate.insights.report import report
from headgate.insights.rollups import HOURS_AT_ONCE, roll_up
from headgate.insights.totals import SIDES, Totals
from headgate.ledger import tables
from headgate.ledger.rolled import HOUR_NS, forget, rolled_hour, rollup
from headgate.store.migrate import open_store

ZONES = ("America/Los_Angeles", "Asia/Kolkata")
START_NS = 1_762_000_000_000_000_000 // HOUR_NS * HOUR_NS
NOW_NS = START_NS + 80 * HOUR_NS
CALLERS = (("ann", "sea", None), ("ann", "sea", "r1"), ("bob", "hill", None))
ROUTES = ("near", "far")

POSTED = ("measured", "estimated")

Row = tuple[int, int, int, str, int]
"""Quarters of an hour since the start, caller, route, state, nano-dollars."""

ROWS = st.lists(
    st.tuples(
        st.integers(0, 4 * 70),
        st.integers(0, len(CALLERS) - 1),
        st.integers(0, len(ROUTES) - 1),
        st.sampled_from(["measured", "estimated", "unknown", "void"]),
        st.integers(0, 10**9),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A store with callers and routes."""
    engine = open_store(tmp_path_factory.mktemp("store"))
    with engine.begin() as connection:
        for number, (principal, team, run) in enumerate(CALLERS):
            row = {"principal": principal, "team": team, "run": run, "key": f"{principal}-1"}
            chain = f'["bot~{number}"]' if run else "[]"
            rest = {"journal": "j", "number": number, "windows": "[]", "chain": chain}
            connection.execute(insert(tables.caller).values(id=number, **row, **rest))
        for number, deployment in enumerate(ROUTES):
            row = {"asked": "m", "deployment": deployment, "dialect": "openai_chat"}
            rest = {"journal": "j", "number": number}
            connection.execute(insert(tables.route).values(id=number, **row, **rest))
    yield engine
    engine.dispose()


def add(engine: Engine, rows: list[Row], state: str | None = None) -> None:
    """Put attempts into the store as the fold does; every fifth is a second one of its call."""
    with engine.begin() as connection:
        first = connection.scalar(select(func.count()).select_from(tables.attempt)) or 0
        times = [START_NS + quarters * HOUR_NS // 4 for quarters, *_ in rows]
        forget(connection, times)
        for number, (_, caller, route, ended, nanos) in enumerate(rows, first):
            # A second attempt lies in the hour of the first: else its call counts in both.
            again = number % 5 == 4 and number > first
            values = {
                "attempt": f"call_{number - again:08x}.{1 + again}",
                "at_ns": times[number - first - again],
                "hold_nanos": nanos,
                "caller": caller,
                "route": route,
                "decision": 0,
                "input_tokens_max": 1,
                "output_tokens_max": 1,
                "choices": 1,
                "stream": False,
                "state": state or ended,
                "posted_nanos": nanos
                if state is None and ended in ("measured", "estimated")
                else 0,
                "final": not again,
                "served_model": None if ended == "void" else "m-1",
                "status": 200,
                "duration_us": 1,
                "closed_by": "worker",
                "usage": "{}",
                "lines": "[]",
            }
            connection.execute(insert(tables.attempt).values(values))


def correct(engine: Engine, amount: int) -> None:
    """Correct every attempt there is."""
    with engine.begin() as connection:
        for attempt in connection.scalars(select(tables.attempt.c.attempt)).all():
            about = {"windows": "[]", "reason": "r", "source": "s", "made_by": "t"}
            row = {"id": f"{amount}:{attempt}", "journal": "j", "at_ns": NOW_NS, **about}
            values = insert(tables.adjustment).values(**row, amount_nanos=amount, attempt=attempt)
            connection.execute(values)


def clear(engine: Engine) -> None:
    """Take all calls and all sums away."""
    with engine.begin() as connection:
        for table in (tables.attempt, tables.adjustment, rolled_hour, rollup):
            connection.execute(delete(table))


def told(engine: Engine) -> list[object]:
    """Return all that reports say, in every zone and from several instants."""
    found: list[object] = []
    with engine.connect() as connection:
        for since_ns in (None, START_NS + 30 * HOUR_NS + 12_345):
            for side in SIDES:
                for zone in ZONES if side in ("day", "month") else ZONES[:1]:
                    for until_ns in (None, START_NS + 50 * HOUR_NS + 54_321):
                        made = report(connection, side, since_ns, ZoneInfo(zone), until_ns)
                        found.append([astuple(each) for each in (made.total, *made.by)])
    return found


def roll_all(engine: Engine) -> None:
    """Roll up all that is over."""
    while roll_up(engine, engine, NOW_NS, "me") == HOURS_AT_ONCE:
        pass


@settings(max_examples=5)
@given(rows=ROWS, late=ROWS)
def test_reports_say_the_same_rolled_up_or_not(
    store: Engine, rows: list[Row], late: list[Row]
) -> None:
    """What is rolled up, what comes late into it and what is corrected there changes no figure."""
    clear(store)
    add(store, rows)
    correct(store, -3)
    roll_all(store)
    add(store, late)
    correct(store, 5)
    mixed = told(store)
    roll_all(store)
    rolled = told(store)
    with store.begin() as connection:
        connection.execute(delete(rolled_hour))

    assert mixed == rolled == told(store)


def test_sums_are_read_instead_of_rows(store: Engine) -> None:
    """Once an hour is rolled up, its rows are not looked at."""
    clear(store)
    add(store, [(quarters, 0, 0, "measured", 7) for quarters in range(100)])
    roll_all(store)
    with store.begin() as connection:
        connection.execute(update(tables.attempt).values(posted_nanos=0))

    with store.connect() as connection:
        total = report(connection, "team", None, ZoneInfo("UTC")).total
    assert total == Totals(None, calls=80, spend_nanos=700)


def test_agents_are_named_by_their_node_whatever_their_ids(store: Engine) -> None:
    """What several delegations of one name made is one sum; a key's own calls have no agent."""
    clear(store)
    add(store, [(0, 0, 0, "measured", 7), (1, 1, 0, "measured", 5), (8, 1, 0, "measured", 1)])

    with store.connect() as connection:
        made = report(connection, "agent", None, ZoneInfo("UTC")).by
    assert [(each.name, each.spend_nanos) for each in made] == [(None, 7), ("agent:ann/bot", 6)]


def test_an_hour_with_a_running_call_waits(store: Engine) -> None:
    """An hour is rolled up once nothing of it is held; the hours around it are before."""
    clear(store)
    add(store, [(0, 0, 0, "measured", 1), (12, 0, 0, "measured", 1)])
    add(store, [(5, 0, 0, "measured", 9)], state="held")
    roll_all(store)

    with store.begin() as connection:
        hours = set(connection.scalars(select(rolled_hour.c.hour_ns)))
        assert START_NS in hours
        assert START_NS + HOUR_NS not in hours
        found = report(connection, "team", None, ZoneInfo("UTC")).total
        assert (found.spend_nanos, found.held_nanos) == (2, 9)
        connection.execute(update(tables.attempt).values(state="measured", posted_nanos=3))
    roll_all(store)

    with store.connect() as connection:
        assert START_NS + HOUR_NS in set(connection.scalars(select(rolled_hour.c.hour_ns)))


def test_what_comes_while_an_hour_is_summed_is_not_lost(store: Engine) -> None:
    """Rows that are folded between the reading and the keeping of sums undo the keeping."""
    clear(store)
    add(store, [(0, 0, 0, "measured", 1)])

    class Reading:
        """Lets a call come late just after the hour was read."""

        def __init__(self) -> None:
            self.late = True

        def connect(self) -> object:
            """Return a connection, after which a call comes."""
            connection = store.connect()
            if self.late:
                self.late = False
                list(connection.execute(select(tables.attempt)))
                add(store, [(0, 0, 0, "measured", 10)])
            return connection

    roll_up(store, Reading(), NOW_NS, "me")  # type: ignore[arg-type]  # all that is asked of an engine
    with store.connect() as connection:
        assert report(connection, "team", None, ZoneInfo("UTC")).total.spend_nanos == 11
    roll_all(store)
    with store.connect() as connection:
        assert report(connection, "team", None, ZoneInfo("UTC")).total.spend_nanos == 11
