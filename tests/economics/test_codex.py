"""Codex's rollouts: running totals, and forks of both kinds."""

from pathlib import Path

import pytest

from tests.economics.conftest import Desk
from tests.economics.logs import codex_count, codex_meta, codex_turn, write_lines

PARENT = [codex_meta("p"), codex_turn(), codex_count((100, 40, 10)), codex_count((300, 90, 30))]


def folder(tmp_path: Path, name: str) -> Path:
    return tmp_path / "sessions" / f"rollout-{name}.jsonl"


def test_a_call_is_the_difference_of_two_totals(desk: Desk, tmp_path: Path) -> None:
    """A total that is repeated is no call; the model is that of the turn."""
    lines = [
        *PARENT,
        codex_count((300, 90, 30)),
        codex_turn("gpt-5.4-mini"),
        codex_count((450, 90, 35)),
    ]

    desk.take(write_lines(folder(tmp_path, "p"), lines))

    told = [(one.model, *one.usage[:2], one.usage.output_text) for one in desk.records()]
    assert sorted(told) == [
        ("gpt-5.4-mini", 150, 0, 5),
        ("gpt-5.5", 60, 40, 10),
        ("gpt-5.5", 150, 50, 20),
    ]


@pytest.mark.parametrize("order", ["pc", "cp", "c"])
def test_a_fork_that_replays_its_parent_counts_what_is_new(
    desk: Desk, tmp_path: Path, order: str
) -> None:
    """Whichever file is read first, and even when the parent's is gone."""
    later = "2026-06-12T10:00:00.000Z"
    replay = [codex_count((100, 40, 10), at=later), codex_count((300, 90, 30), at=later)]
    own = codex_count((350, 90, 37), (50, 0, 7), at=later)
    files = {
        "p": write_lines(folder(tmp_path, "p"), PARENT),
        "c": write_lines(folder(tmp_path, "c"), [codex_meta("c", "p"), codex_turn(), *replay, own]),
    }

    for name in order:
        desk.take(files[name])

    assert desk.outputs() == [7, 10, 20]


def test_a_fork_that_starts_at_zero_counts_whole(desk: Desk, tmp_path: Path) -> None:
    """A child without its parent's history is not taken for a replay of it."""
    child = [
        codex_meta("c", "p"),
        codex_turn(),
        codex_count((50, 0, 5)),
        codex_count((300, 90, 30), (250, 90, 25)),
    ]
    write_lines(folder(tmp_path, "p"), PARENT)
    write_lines(folder(tmp_path, "c"), child)

    desk.take(tmp_path)

    assert desk.outputs() == [5, 10, 20, 25]


def test_forks_of_forks_count_once(desk: Desk, tmp_path: Path) -> None:
    """Two children and a grandchild that replay everything add only their own calls."""
    child = [
        codex_meta("c", "p"),
        codex_turn(),
        *PARENT[2:],
        codex_count((400, 90, 41), (100, 0, 11)),
    ]
    other = [
        codex_meta("d", "p"),
        codex_turn(),
        *PARENT[2:],
        codex_count((500, 90, 43), (200, 0, 13)),
    ]
    grand = [
        codex_meta("g", "c"),
        codex_turn(),
        *child[2:],
        codex_count((900, 90, 58), (500, 0, 17)),
    ]
    for name, lines in (("g", grand), ("d", other), ("c", child), ("p", PARENT)):
        desk.take(write_lines(folder(tmp_path, name), lines))

    assert desk.outputs() == [10, 11, 13, 17, 20]


def test_strangers_with_the_same_totals_count_both(desk: Desk, tmp_path: Path) -> None:
    """Equal counts make no copies where no fork is said."""
    for name in ("a", "b"):
        write_lines(
            folder(tmp_path, name), [codex_meta(name), codex_turn(), codex_count((9, 0, 3))]
        )

    desk.take(tmp_path)

    assert desk.outputs() == [3, 3]


def test_history_that_is_not_in_the_file_is_not_its_own(desk: Desk, tmp_path: Path) -> None:
    """A first total above the first call goes on from usage that another file tells of."""
    lines = [codex_meta("c", "gone"), codex_turn(), codex_count((9000, 0, 900), (100, 0, 5))]

    desk.take(write_lines(folder(tmp_path, "c"), lines))

    assert desk.outputs() == [5]


def test_a_call_without_a_model_is_unpriced(desk: Desk, tmp_path: Path) -> None:
    """Nothing is taken for the model of the day."""
    desk.take(write_lines(folder(tmp_path, "a"), [codex_meta("a"), codex_count((9, 0, 3))]))

    (one,) = desk.records()
    assert (one.model, one.cost_nanos, one.grade) == ("unknown", None, "C")
