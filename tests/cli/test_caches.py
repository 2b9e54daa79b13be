"""What caches did, summed up from the store, and what is advised."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from headgate.insights.caches import CacheReport, CacheSums, MissSums, cache_report
from headgate.ledger import tables
from headgate.records.charge import ChargeLine
from headgate.records.journal import CacheNote
from headgate.store.migrate import open_store

NOON_NS = 1_762_776_000_000_000_000
HOUR_NS = 3_600_000_000_000
CHANGED = CacheNote(
    saved_nanos=-500,
    cause="changed",
    path="messages[3].content",
    missed_tokens=2_000,
    missed_nanos=9_000,
)
SAVED = CacheNote(saved_nanos=8_000, marked=("system",))
USAGES = {
    "call_a.1": ({"input_uncached": 100, "cache_write_5m": 900, "output_text": 7}, CHANGED),
    "call_b.2": ({"cache_read": 3_000, "cache_write_1h": 1_000}, SAVED),
}


@pytest.fixture
def noted(books: Path) -> Path:
    """The books, with what caches did for two calls."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        for name, (usage, note) in USAGES.items():
            lines = [ChargeLine(meter, count, 0, 0, "row") for meter, count in usage.items()]
            told = {"lines": _text(lines), "cache": _text(note)}
            of_attempt = tables.attempt.c.attempt == name
            connection.execute(update(tables.attempt).where(of_attempt).values(told))
    engine.dispose()
    return books


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def read(books: Path, since_ns: int = 0) -> CacheReport:
    """Return the report by deployment."""
    engine = open_store(books / "data")
    with engine.connect() as connection:
        found = cache_report(connection, "deployment", since_ns)
    engine.dispose()
    return found


def test_reads_writes_and_money_are_summed_up(noted: Path) -> None:
    """By deployment, and over all: output is no part of a prompt."""
    found = read(noted)

    gpt = CacheSums("gpt", 1, 4_000, 3_000, 1_000, 8_000, 0, 0)
    mini = CacheSums("mini", 1, 1_000, 0, 900, -500, 1, 9_000)
    assert found.by == (gpt, mini)
    assert gpt.hit_permille == 750
    assert found.total == CacheSums("", 2, 5_000, 3_000, 1_900, 7_500, 1, 9_000)
    (miss,) = found.misses
    assert miss == MissSums("fast", "changed", "messages[*].content", 1, 2_000, 9_000)


def test_only_what_is_asked_for_is_summed_up(noted: Path) -> None:
    """Earlier attempts do not count."""
    found = read(noted, NOON_NS + 1)

    assert [sums.name for sums in found.by] == ["gpt"]
    assert found.misses == ()


@pytest.mark.parametrize(
    ("cause", "path", "said"),
    [
        ("changed", "tools[3]", "same tools"),
        ("changed", "system[0].text", "last turn"),
        ("changed", "messages[0].content", "last turn"),
        ("changed", "messages[*].content[*]", "only add"),
        ("changed", "messages[*].content[0]", "only add"),
        ("changed", "tool_choice", "setting"),
        ("moved", None, "headgate routes"),
        ("expired", None, "longer lifetime"),
        ("unmarked", None, 'cache = "auto"'),
        ("unread", None, "Nothing had changed"),
    ],
)
def test_each_cause_has_its_advice(cause: str, path: str | None, said: str) -> None:
    """Whoever reads it knows what to do next."""
    assert said in MissSums("fast", cause, path).advice


def test_the_commands_tell_it(noted: Path, headgate: Any) -> None:
    """The summary names the dearest break; the receipt of a call says what the cache did."""
    shown = headgate("caches", "--by", "principal").stdout
    receipt = headgate("explain", "call_a").stdout
    marked = headgate("explain", "call_b").stdout

    assert "60.0 %" in shown
    assert "messages[*].content" in shown
    assert "2000 cached tokens were not read (changed at messages[3].content)" in receipt
    assert "breakpoints were set behind system" in marked


def test_kept_replies_are_summed_up_beside_them(noted: Path) -> None:
    """A call that got one has no charge lines, and counts as no attempt."""
    engine = open_store(noted / "data")
    with engine.begin() as connection:
        note = _text(CacheNote(saved_nanos=700, given_from="call_b"))
        of_attempt = tables.attempt.c.attempt == "call_a.1"
        told = {"lines": "[]", "cache": note}
        connection.execute(update(tables.attempt).where(of_attempt).values(told))
    engine.dispose()

    found = read(noted)

    assert (found.total.attempts, found.total.saved_nanos) == (1, 8_000)
    assert (found.total.given, found.total.given_nanos) == (1, 700)
    assert [(sums.name, sums.given) for sums in found.by] == [("gpt", 0), ("mini", 1)]
