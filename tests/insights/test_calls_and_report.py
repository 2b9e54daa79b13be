"""Listing calls and summing them up, from a store the real keeper filled."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from headgate.insights.calls import AttemptRow, RefusedRow, open_call
from headgate.insights.report import report
from headgate.insights.search import Wanted, list_calls
from headgate.insights.totals import Side, Totals
from headgate.store.database import open_store_readonly

ZONE = ZoneInfo("America/Los_Angeles")
NOON_NS = 1_762_776_000_000_000_000
HOUR_NS = 3_600_000_000_000


@pytest.fixture(scope="module")
def connection(books_template: Path) -> Iterator[Connection]:
    """The store, read."""
    engine = open_store_readonly(books_template / "data")
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def names(rows: list[AttemptRow | RefusedRow]) -> list[str]:
    """Return what identifies each row."""
    return [row.attempt if isinstance(row, AttemptRow) else row.call for row in rows]


def test_calls_come_newest_first(connection: Connection) -> None:
    """Attempts and refused calls are one list."""
    rows = list_calls(connection, Wanted(), 50)

    assert names(rows) == ["call_d", "call_c.1", "call_b.2", "call_b.1", "call_a.1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(run="r42"), ["call_a.1"]),
        (Wanted(principal="bob"), ["call_d"]),
        (Wanted(state="held"), ["call_c.1"]),
        (Wanted(state="refused"), ["call_d"]),
        (Wanted(state="void", principal="bob"), []),
    ],
)
def test_calls_can_be_narrowed(connection: Connection, wanted: Wanted, expected: list[str]) -> None:
    """Each condition narrows the list."""
    assert names(list_calls(connection, wanted, 50)) == expected


def test_a_call_opens_with_attempts_and_decision(connection: Connection) -> None:
    """A retried call has its attempts in order and the decision they came from."""
    opened = open_call(connection, "call_b")

    assert opened is not None
    assert [row.attempt for row in opened.rows if isinstance(row, AttemptRow)] == [
        "call_b.1",
        "call_b.2",
    ]
    assert opened.decisions[1].candidates[2].excluded == "context_exceeded"


def test_an_unknown_call_is_none(connection: Connection) -> None:
    """There is nothing to open."""
    assert open_call(connection, "call_nope") is None


def test_the_report_sums_up_everything(connection: Connection) -> None:
    """Spend is what was posted; estimated, held and refused stand apart."""
    total = report(connection, "principal", None, ZONE).total

    assert total == Totals(
        name=None,
        calls=3,
        refused=1,
        spend_nanos=71_000_000,
        estimated_calls=1,
        estimated_nanos=60_000_000,
        unknown_calls=0,
        held_nanos=70_000_000,
    )


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("principal", [("alice", 3, 0, 71_000_000), ("bob", 0, 1, 0)]),
        ("team", [("research", 3, 0, 71_000_000), ("default", 0, 1, 0)]),
        ("model", [(None, 2, 1, 60_000_000), ("gpt-5.5-2026-04-23", 1, 0, 11_000_000)]),
        ("deployment", [("gpt", 1, 0, 60_000_000), ("mini", 3, 0, 11_000_000), (None, 0, 1, 0)]),
        ("run", [(None, 2, 1, 60_000_000), ("r42", 1, 0, 11_000_000)]),
        ("day", [("2025-11-10", 2, 0, 71_000_000), ("2025-11-11", 1, 1, 0)]),
        ("month", [("2025-11", 3, 1, 71_000_000)]),
        ("key", [("alice-laptop", 3, 0, 71_000_000), ("bob-laptop", 0, 1, 0)]),
        ("agent", [(None, 3, 1, 71_000_000)]),
    ],
)
def test_the_report_groups_by_each_side(
    connection: Connection, side: Side, expected: list[tuple[str | None, int, int, int]]
) -> None:
    """The parts of every grouping sum up to the whole spend; days are the organisation's."""
    rows = report(connection, side, None, ZONE).by

    assert [(row.name, row.calls, row.refused, row.spend_nanos) for row in rows] == expected


def test_the_report_can_begin_later(connection: Connection) -> None:
    """Calls before the instant are left out, in the middle of a day too."""
    found = report(connection, "day", NOON_NS + HOUR_NS, ZONE)

    assert found.total.spend_nanos == 60_000_000
    assert [row.calls for row in found.by] == [1, 1]


def test_the_report_can_end_earlier(connection: Connection) -> None:
    """What began at the instant or later is left out, in the middle of a day too."""
    until_ns = NOON_NS + HOUR_NS
    found = report(connection, "day", None, ZONE, until_ns)
    rest = report(connection, "day", until_ns, ZONE)

    assert found.total.calls + rest.total.calls == 3
    assert [row.name for row in found.by] == ["2025-11-10"]
    assert found.total.spend_nanos + rest.total.spend_nanos == 71_000_000
