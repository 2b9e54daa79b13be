"""Processes that read logs: what is told is kept, and one that dies is noticed."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock

import pytest

from headgate.catalog.load import load_price_book
from headgate.economics.usage_logs import load_usage
from headgate.economics.usage_logs.load_usage import Loader, Piece
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.readers import Readers
from headgate.economics.usage_logs.store import UsageStore
from headgate.units.errors import StoreError
from tests.economics.logs import claude, write_lines

LONG_BYTES = 20_000_000
"""Enough for processes of their own."""


@contextmanager
def reading(pieces: list[Piece], store: Path) -> Iterator[tuple[Readers, list[BaseProcess]]]:
    """Start the processes; kill what still runs in the end."""
    before = set(multiprocessing.active_children())
    with closing(Readers(pieces, store, load_price_book())) as readers:
        started = [one for one in multiprocessing.active_children() if one not in before]
        try:
            yield readers, started
        finally:
            for process in started:
                process.kill()
                process.join()


def test_a_reader_that_dies_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is told to import again; the others end, whatever they were waiting for."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    # Whoever opens a pipe to read it waits until somebody writes: nobody does.
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        os.mkfifo(path)
    pieces = [Piece(str(path), "claude_code", "local", 0, LONG_BYTES) for path in paths]

    with reading(pieces, tmp_path / "usage.db") as (readers, started):
        started[0].kill()

        with pytest.raises(StoreError, match="has died"):
            list(readers.outcomes())

        readers.close()
        assert not any(process.is_alive() for process in started)


def test_a_reader_that_dies_while_it_tells_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a message that was begun and never ended, whoever waits is told the same."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    # What is told of so many is more than fits into a pipe.
    paths = [str(tmp_path / f"gone-{number}") for number in range(8_000)]
    pieces = [Piece(path, "claude_code", "local", 0, LONG_BYTES // 8_000) for path in paths]

    with reading(pieces, tmp_path / "usage.db") as (readers, started):
        while not all(_sleeps(process) for process in started):
            os.sched_yield()
        started[0].kill()
        started[0].join()

        with pytest.raises(StoreError, match="has died"):
            list(readers.outcomes())


def _sleeps(process: BaseProcess) -> bool:
    state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2]
    return state.startswith("S")


def test_nothing_is_told_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody else writes, reading goes on; what was read is kept and told afterwards."""
    monkeypatch.setattr(load_usage, "RECORDS_HELD_MIN", 1)
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1), claude("m2", 2)])
    piece = Piece(str(path), "claude_code", "local", 0, path.stat().st_size)
    writing = Lock()
    with closing(UsageStore(tmp_path / "usage.db")) as store:
        loader = Loader(store, Pricer(load_price_book()), writing)
        with writing:
            loader.read([piece])
            assert loader.keep_if_due() == []

        (told,) = loader.keep_if_due()

        kept = store.connection.execute("SELECT count(*) FROM usage").fetchone()
        assert (told.piece, told.records, kept) == (piece, 2, (2,))
        assert loader.keep() == []
