"""However lines are spread over files, in whatever order: the records are the same."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.usage_logs import SEED, make
from headgate.economics.usage_logs import load_files, load_usage, readers
from headgate.economics.usage_logs.importing import Import
from headgate.economics.usage_logs.load_files import survey
from headgate.economics.usage_logs.readers import BATCH_BYTES
from headgate.economics.usage_logs.store import UsageStore
from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines

lines = st.builds(
    claude,
    st.sampled_from(["m1", "m2", "m3"]),
    st.integers(1, 4),
    at=st.integers(0, 59).map(lambda second: f"2026-06-11T00:00:{second:02d}.000Z"),
    request=st.sampled_from(["a", "b", None]),
    side=st.booleans(),
)


@given(st.lists(st.lists(lines, max_size=6), min_size=2, max_size=4), st.randoms())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_repetition_change_nothing(
    new_desk: Callable[[], Desk],
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[dict[str, object]]],
    chance: object,
) -> None:
    """One file after another, all at once, in another order, twice: the same records."""
    folder = tmp_path_factory.mktemp("logs")
    paths = [write_lines(folder / f"{n}.jsonl", one) for n, one in enumerate(files)]
    together, apart = new_desk(), new_desk()
    shuffled = list(paths)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random

    together.take(*paths)
    for path in shuffled:
        apart.take(path)
    for path in paths:
        path.touch()
        apart.take(path)

    assert apart.records() == together.records()


def test_pieces_and_processes_change_nothing(
    new_desk: Callable[[], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file read in pieces by several processes gives what one process makes of the whole."""
    many = [claude(f"m{n // 3}", n % 3 + 1, stop=None) for n in range(600)]
    path = write_lines(tmp_path / "s.jsonl", many)
    whole, pieces = new_desk(), new_desk()
    whole.take(path)

    monkeypatch.setattr(load_files, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(load_usage, "BLOCK_BYTES", 3_000)
    monkeypatch.setattr(readers, "BATCH_BYTES", 20_000)
    monkeypatch.setattr(readers, "ONE_PROCESS_BYTES", 0)
    done = pieces.take(path)

    assert done.tally.lines == 600
    assert len(pieces.records()) == 200
    assert pieces.records() == whole.records()


def test_the_price_is_that_of_the_earliest_line(desk: Desk, tmp_path: Path) -> None:
    """A poorer line that turns up later and is older moves the reply to the price of its day."""
    # DeepSeek's price rose at 2026-08-16T16:00Z.
    after = claude("m1", 9, at="2026-08-16T16:00:01.000Z", model="deepseek-v4-pro")
    before = claude("m1", 1, at="2026-08-16T15:59:59.000Z", model="deepseek-v4-pro")
    desk.take(write_lines(tmp_path / "a.jsonl", [after]))
    (dear,) = desk.records()

    desk.take(write_lines(tmp_path / "b.jsonl", [before]))

    (cheap,) = desk.records()
    assert dear.cost_nanos is not None
    assert cheap.cost_nanos is not None
    assert cheap.usage == dear.usage
    assert cheap.cost_nanos < dear.cost_nanos
    assert "2026-08-16" in dear.price_rows
    assert "2026-08-16" not in cheap.price_rows


def test_a_file_that_grows_is_read_on(desk: Desk, tmp_path: Path) -> None:
    """Only what is new is read, and a last line that was cut is read once it is finished."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    whole = path.read_text()
    path.write_text(whole + whole.replace("m1", "m2")[:100])
    first = desk.take(path)
    unchanged = desk.take(path)
    path.write_text(whole + whole.replace("m1", "m2"))

    second = desk.take(path)

    assert (first.tally.broken, unchanged.unchanged) == (1, 1)
    assert (second.tally.lines, second.tally.broken) == (1, 0)
    assert sorted(one.reply for one in desk.records()) == ["m1", "m2"]


def test_a_line_cut_after_an_inner_brace_is_not_finished(desk: Desk, tmp_path: Path) -> None:
    """Wherever a file ended when it was read, its last line is read whole later."""
    path = tmp_path / "s.jsonl"
    line = json.dumps(claude("m0", 1))
    cuts = [at + 1 for at, one in enumerate(line) if one == "}"]

    for number, cut in enumerate(cuts):
        line = json.dumps(claude(f"m{number}", 1))
        path.write_text(line[:cut])
        desk.take(path)
        path.write_text(f"{line}\n")
        desk.take(path)

    assert len(desk.records()) == len(cuts) > 3


def test_another_file_under_the_name_is_read_whole(desk: Desk, tmp_path: Path) -> None:
    """The bytes before the old end tell a file that grew from one that was replaced."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    desk.take(path)
    write_lines(path, [claude("x1", 1), claude("x2", 2)])

    desk.take(path)

    assert sorted(one.reply for one in desk.records()) == ["m1", "x1", "x2"]


def test_what_a_client_deletes_stays(desk: Desk, tmp_path: Path) -> None:
    """Clients delete old logs; an import is what remains of them."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    desk.take(path)
    path.unlink()

    desk.take(tmp_path)

    assert desk.outputs() == [1]


def test_an_import_for_another_seat_moves_the_records(desk: Desk, tmp_path: Path) -> None:
    """A name that was forgotten at first can be given later."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    desk.take(path)

    desk.take(path, seat="alice")

    assert [one.seat for one in desk.records()] == ["alice"]


def test_a_store_of_another_release_is_refused(desk: Desk, tmp_path: Path) -> None:
    """It is not read as if it were ours."""
    desk.take(write_lines(tmp_path / "s.jsonl", [claude("m1", 1)]))
    store = UsageStore(desk.path)
    store.connection.execute("PRAGMA user_version=99")
    store.close()

    with pytest.raises(Exception, match="another release"):
        desk.records()


def test_two_imports_at_once_leave_no_copies(desk: Desk, tmp_path: Path) -> None:
    """What one of them keeps after the other has dropped its copies is looked through as well."""
    logs = tmp_path / "logs"
    first = [claude("m0", 1), {"type": "user", "text": "x" * BATCH_BYTES}]
    write_lines(logs / "first.jsonl", first)
    replay = [claude("m1", 7), claude("m1", 7, request="x", side=True)]
    write_lines(logs / "then.jsonl", replay)
    others: list[int] = []

    def advance(_bytes: int) -> None:
        if not others:
            others.append(desk.take(logs).copies)

    done = Import(desk.path, desk.book, "local").run(survey([logs], {}), advance)

    assert (others, done.copies, desk.outputs()) == ([1], 1, [1, 7])


def test_a_killed_import_is_carried_on(new_desk: Callable[[], Desk], tmp_path: Path) -> None:
    """Whenever it is killed, the next import ends with the records of one that was not."""
    logs = tmp_path / "logs"
    make(logs, 24, SEED)
    replay = [claude("m1", 9, request="x", side=True), claude("m1", 9)]
    write_lines(logs / "copies.jsonl", replay)
    whole, killed = new_desk(), new_desk()
    whole.take(logs)
    command = [str(Path(sys.executable).parent / "headgate"), "import", str(logs)]
    journal = killed.path.with_name("usage.db-wal")
    for end, more_bytes in ((os.killpg, 1), (os.kill, 300_000)):
        grown_bytes = _size(journal) + more_bytes
        child = subprocess.Popen(
            [*command, "--data-dir", str(killed.path.parent)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        while child.poll() is None and _size(journal) < grown_bytes:
            os.sched_yield()
        with suppress(ProcessLookupError):
            end(child.pid, signal.SIGKILL)
        # To the end of what all its processes may print: none outlives it.
        child.communicate(timeout=60)

    killed.take(logs)

    assert killed.records() == whole.records()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
