"""A journal on a disk that fails at its k-th operation: what was written is whole, or refused."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from headgate.store.disk import Disk
from headgate.store.journal_reader import JournalReader
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter, take_lock
from headgate.store.segments import segment_name
from headgate.units.errors import JournalError
from tests.ledger.test_journal import SMALL_BYTES, end, hold, read_all
from tests.torture.journal_files import journal_records

CALLS = 120
PATIENCE_S = 10
OPERATIONS = 24
"""More than one such life of a journal asks of its disk."""


class FaultyDisk(Disk):
    """Fails at one of its operations, by number: no room, or an I/O error.

    Attributes:
        operations: How many there were.
        lasting: Whether every later one fails as well.
    """

    def __init__(self, fails_at: int, number: int, *, lasting: bool) -> None:
        super().__init__("power")
        self.fails_at, self.number, self.lasting = fails_at, number, lasting
        self.operations = self.failures = 0

    def _next(self) -> None:
        self.operations += 1
        late = self.lasting and self.operations > self.fails_at
        if self.operations == self.fails_at or late:
            self.failures += 1
            raise OSError(self.number, os.strerror(self.number))

    def take_room(self, descriptor: int, size: int) -> None:
        """Take the room, or half of it and fail."""
        try:
            self._next()
        except OSError:
            super().take_room(descriptor, size // 2)
            raise
        super().take_room(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Sync, or fail."""
        self._next()
        super().sync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Sync, or fail."""
        self._next()
        super().sync_folder(folder)


class Turns:
    """An event loop of which a test takes the turns, syncs included."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.soon = self._calls.put

    def until(self, done: list[bool]) -> None:
        """Take turns until a list has something in it."""
        while not done:
            self._calls.get(timeout=PATIENCE_S)()


def live(directory: Path, disk: FaultyDisk) -> tuple[list[int], bool]:
    """Write calls until the disk refuses; returns those that were sent, and whether it failed."""
    journal = JournalWriter(
        directory, worker="w", epoch="e", at_ns=1, segment_bytes=SMALL_BYTES, disk=disk
    )
    turns = Turns()
    syncs = JournalSync(journal, disk, soon=turns.soon, back=turns.soon)
    sent = []
    for number in range(CALLS):
        if not journal.has_room():
            journal.prepare()
            continue
        journal.append(hold(number))
        journal.holds_open += 1
        done: list[bool] = []
        syncs.wait(done.append)
        turns.until(done)
        if done == [True]:
            sent.append(number)
        journal.append(end(number))
        journal.holds_open -= 1
        journal.prepare()
    syncs.close()
    journal.close(CALLS)
    return sent, journal.failed


def faults() -> Iterator[tuple[int, int, bool]]:
    """Yield where it fails, with what, and whether for good."""
    for at in range(1, OPERATIONS + 1):
        yield at, (errno.ENOSPC, errno.EIO)[at % 2], at % 3 == 0


@pytest.mark.parametrize(("at", "number", "lasting"), list(faults()))
def test_a_disk_that_fails_anywhere(tmp_path: Path, at: int, number: int, lasting: bool) -> None:
    """The journal starts not at all, or what it has is whole and in order.

    Nothing is sent whose hold the disk has not confirmed, and after a sync that failed nothing
    at all. Every hold has its end.
    """
    disk = FaultyDisk(at, number, lasting=lasting)
    try:
        sent, failed = live(tmp_path / "journal" / "j", disk)
    except JournalError as error:
        assert "room" in str(error) or "synced" in str(error)
        assert disk.failures == 1
        return
    assert disk.failures, f"only {disk.operations} operations"
    records = list(journal_records(tmp_path / "journal" / "j"))
    held = [each["attempt"] for each in records if each["k"] == "hold"]
    assert held == [each["attempt"] for each in records if each["k"] == "settle"]
    assert [hold(each).attempt for each in sent] == held[: len(sent)]
    # One hold at most was written for a sync that failed.
    assert len(held) - len(sent) == (1 if failed else 0)
    assert records[-1]["k"] == "sealed"
    reader = JournalReader(tmp_path / "journal" / "j")
    assert len(read_all(reader)) == len(records) and reader.ended


def test_calls_are_taken_again_when_there_is_room(tmp_path: Path) -> None:
    """A full disk stops a journal before a hold that would not fit with its end."""
    (tmp_path / "j").mkdir()
    disk = FaultyDisk(3, errno.ENOSPC, lasting=True)
    journal = JournalWriter(
        tmp_path / "j", worker="w", epoch="e", at_ns=1, segment_bytes=SMALL_BYTES, disk=disk
    )
    number = 0
    while journal.has_room():
        journal.append(hold(number))
        journal.append(end(number))
        journal.prepare()
        number += 1
    assert number and not journal.failed
    disk.lasting = False
    journal.prepare()
    assert journal.has_room()
    journal.append(hold(number))
    journal.append(end(number))
    journal.close(1)
    kinds = [each["k"] for each in journal_records(tmp_path / "j")]
    assert kinds.count("hold") == kinds.count("settle") == number + 1


class SlowDisk(Disk):
    """Answers a sync when it is let; may refuse the first one."""

    def __init__(self, refuses: bool) -> None:
        super().__init__("process")
        self.refuses = refuses
        self.asked: SimpleQueue[int] = SimpleQueue()
        self.may = Event()

    def sync(self, descriptor: int) -> None:
        """Wait, then sync or fail."""
        self.asked.put(descriptor)
        assert self.may.wait(PATIENCE_S)
        if self.refuses:
            self.refuses = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(descriptor)


@pytest.mark.parametrize("refuses", [False, True])
def test_the_next_segment_fills_while_the_disk_has_the_full_one(
    tmp_path: Path, refuses: bool
) -> None:
    """Nobody waits for a slow disk; what it says in the end counts all the same."""
    disk = SlowDisk(refuses)
    journal = JournalWriter(
        tmp_path / "j", worker="w", epoch="e", at_ns=1, segment_bytes=SMALL_BYTES, disk=disk
    )
    number, following = 0, tmp_path / "j" / segment_name(2)
    while not any(following.read_bytes()):
        journal.append(hold(number))
        journal.append(end(number))
        number += 1
    disk.asked.get(timeout=PATIENCE_S)
    journal.prepare()
    assert journal.has_room()
    journal.append(hold(number))
    journal.append(end(number))

    disk.may.set()
    journal.close(number)

    assert journal.failed == refuses
    kinds = Counter(record["k"] for record in journal_records(tmp_path / "j"))
    assert kinds == {"hold": number + 1, "settle": number + 1, "segment": 2, "sealed": 2}


def test_without_a_thread_the_disk_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no thread to give, segments fill and calls end all the same."""

    def refuse(_thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    journal = JournalWriter(
        tmp_path / "j", worker="w", epoch="e", at_ns=1, segment_bytes=SMALL_BYTES
    )
    for number in range(3 * CALLS):
        journal.append(hold(number))
        journal.append(end(number))
        journal.prepare()
    journal.close(CALLS)

    kinds = Counter(record["k"] for record in journal_records(tmp_path / "j"))
    assert (kinds["hold"], kinds["settle"]) == (3 * CALLS, 3 * CALLS)
    assert kinds["segment"] > 2
    assert not journal.failed
    assert take_lock(tmp_path / "j") is not None
