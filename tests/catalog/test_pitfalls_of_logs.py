"""The ways in which others have counted logs wrongly, each with the public case."""

from pathlib import Path

import pytest

from headgate.catalog.prices import PriceBook
from tests.catalog.test_pitfalls import nanos
from tests.economics.conftest import Desk
from tests.economics.logs import claude, codex_count, codex_meta, codex_turn, write_lines


def test_19_old_usage_has_its_old_price(book: PriceBook, tmp_path: Path) -> None:
    """A log of the day before a cut is rated as of that day (ccusage, llm-prices)."""
    desk = Desk(tmp_path / "usage.db", book)
    line = claude(
        "m1", 0, at="2026-03-12T23:00:00.000Z", model="claude-opus-4-6", input_tokens=300_000
    )
    later = claude(
        "m2", 0, at="2026-03-13T01:00:00.000Z", model="claude-opus-4-6", input_tokens=300_000
    )

    desk.take(write_lines(tmp_path / "s.jsonl", [line, later]))

    old, new = sorted(desk.records(), key=lambda one: one.reply)
    assert old.cost_nanos == nanos("10", 300_000) + nanos("1", 1_000)
    assert new.cost_nanos == nanos("5", 300_000) + nanos("0.5", 1_000)


def test_20_of_streamed_log_lines_the_last_counts(book: PriceBook, tmp_path: Path) -> None:
    """Not the first, nor all of them (ccusage 888, 901)."""
    desk = Desk(tmp_path / "usage.db", book)

    desk.take(write_lines(tmp_path / "s.jsonl", [claude("m", 2, stop=None), claude("m", 500)]))

    assert desk.outputs() == [500]


def test_21_without_a_request_id_a_reply_counts_once(book: PriceBook, tmp_path: Path) -> None:
    """Behind gateways the message's own id tells (ccusage 985)."""
    desk = Desk(tmp_path / "usage.db", book)
    lines = [
        claude("m", 10, request=None),
        claude("m", 10, request=None, at="2026-06-11T00:00:05.000Z"),
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    assert desk.outputs() == [10]


def test_22_a_log_that_lacks_its_end_says_so(book: PriceBook, tmp_path: Path) -> None:
    """What a client's log leaves out cannot be known, so the record has the lowest grade."""
    desk = Desk(tmp_path / "usage.db", book)

    desk.take(write_lines(tmp_path / "s.jsonl", [claude("m", 1, stop=None)]))

    assert [one.grade for one in desk.records()] == ["C"]


@pytest.mark.parametrize(
    ("child", "outputs"),
    [
        ([(100, 40, 10), (350, 90, 37)], [10, 27]),  # replays the parent, then goes on
        ([(50, 0, 5)], [5, 10]),  # starts at zero: nothing to subtract
    ],
)
def test_23_a_fork_counts_what_is_its_own(
    book: PriceBook, tmp_path: Path, child: list[tuple[int, int, int]], outputs: list[int]
) -> None:
    """Neither the parent's counts again nor less than its own (ccusage 950, CodexBar 2193)."""
    desk = Desk(tmp_path / "usage.db", book)
    sessions = tmp_path / "sessions"
    parent = [codex_meta("p"), codex_turn(), codex_count((100, 40, 10))]
    lasts = [child[0], *[(250, 50, 27)][: len(child) - 1]]
    counts = [
        codex_count(total, last, at="2026-06-12T10:00:00.000Z")
        for total, last in zip(child, lasts, strict=True)
    ]

    desk.take(write_lines(sessions / "rollout-p.jsonl", parent))
    desk.take(
        write_lines(sessions / "rollout-c.jsonl", [codex_meta("c", "p"), codex_turn(), *counts])
    )

    assert desk.outputs() == outputs
