"""The processes of one import: each takes batches of pieces, reads them, keeps what it found.

They take from one heap, so that all end at the same time; what became of a batch is told once its
records are in the store.
"""

import gc
import os
import signal
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event, Lock
from pathlib import Path
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.load_usage import Loader, Outcome, Piece
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import UsageStore
from headgate.units.errors import StoreError

PROCESSES_MAX = 8
ONE_PROCESS_BYTES = 16 * 1024 * 1024
"""Less than this is read quicker than processes start."""
BATCH_BYTES = 4 * 1024 * 1024
BATCHES_MAX = 1_000
"""Of more bytes batches are larger: the numbers of all have to fit into a pipe."""
_NO_MORE = -1


class Turns(NamedTuple):
    """What the processes share.

    Attributes:
        heap: Numbers of batches that nobody has taken, and `_NO_MORE` for each process.
        stopped: Set when no further one is to be taken.
        writing: Held by whoever writes to the store.
    """

    heap: "SimpleQueue[int]"
    stopped: Event
    writing: Lock


class Work(NamedTuple):
    """What there is to read, and with what."""

    batches: list[list[Piece]]
    path: Path
    book: PriceBook


class Readers:
    """Reads pieces of logs into a store, in processes of its own where there is enough to read.

    The processes start here. The caller must not have the store open then: none may inherit it.

    Args:
        pieces: What to read.
        path: The store.
        book: The prices.
    """

    def __init__(self, pieces: Iterable[Piece], path: Path, book: PriceBook) -> None:
        batches = list(_batches(pieces))
        self._work = Work(batches, path, book)
        self._readers: dict[Connection, BaseProcess] = {}
        self._ending: list[Connection] = []
        size = sum(piece.end - piece.start for batch in batches for piece in batch)
        processes = min(PROCESSES_MAX, os.cpu_count() or 1, len(batches))
        if processes > 1 and size >= ONE_PROCESS_BYTES:
            try:
                self._start(processes)
            except BaseException:
                # Those that run would wait for a word from here, and we for them.
                self._kill()
                self.close()
                raise

    def _start(self, processes: int) -> None:
        # Where fork is safe it saves each process loading everything anew.
        linux = sys.platform == "linux"
        context = get_context("fork") if linux else get_context("spawn")
        self._turns = turns = Turns(context.SimpleQueue(), context.Event(), context.Lock())
        for number in (*range(len(self._work.batches)), *([_NO_MORE] * processes)):
            turns.heap.put(number)
        for _ in range(processes):
            ours, theirs = context.Pipe()
            # A fork has our ends as well: while it holds them, none of them sees us go.
            forked = (*self._readers, ours) if linux else ()
            one = context.Process(target=_read, args=(self._work, turns, theirs, forked))
            one.start()
            # With this end open nobody would notice that the process has gone.
            theirs.close()
            self._readers[ours] = one

    def outcomes(self) -> Iterator[list[Outcome]]:
        """Yield what became of batches, in any order, as they are kept.

        A list without any comes from a process that has nothing more to tell.

        Raises:
            StoreError: A process has died, or could not write.
        """
        if not self._readers:
            with closing(UsageStore(self._work.path)) as store:
                yield from map(Loader(store, Pricer(self._work.book)).load, self._work.batches)
        while self._readers:
            for connection in wait(list(self._readers)):
                assert isinstance(connection, Connection)
                try:
                    told = connection.recv()
                except (EOFError, OSError) as error:
                    # An OSError where it died within a message.
                    self._kill()
                    why = "A process that read logs has died; import again to go on."
                    raise StoreError(why) from error
                if isinstance(told, str):
                    raise StoreError(told)
                yield told
                if not told:
                    del self._readers[connection]
                    self._ending.append(connection)

    def _kill(self) -> None:
        """End all that run: one that has died may have held what the others wait for."""
        for process in self._readers.values():
            process.kill()

    def close(self) -> None:
        """Leave out what nobody has begun, wait for what runs, and let the processes end.

        Those that were done already tidy up the store and end by themselves: whoever asks it next
        need not wait for the disk.
        """
        if self._readers:
            self._turns.stopped.set()
        for connection in (*self._ending, *self._readers):
            with suppress(ConnectionError):
                connection.send(None)
            connection.close()
        for process in self._readers.values():
            process.join()
        self._readers.clear()
        self._ending.clear()


def _read(work: Work, turns: Turns, told: Connection, forked: Iterable[Connection]) -> None:
    """Take batches until there are none: what a process of its own does."""
    for parents_end in forked:
        parents_end.close()
    # Whoever stops the command stops the parent, which lets what runs here end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing here makes cycles, and looking for some takes a tenth of the time.
    gc.disable()
    try:
        with closing(UsageStore(work.path)) as store:
            loader = Loader(store, Pricer(work.book), turns.writing)
            while not turns.stopped.is_set() and (number := turns.heap.get()) != _NO_MORE:
                loader.read(work.batches[number])
                if outcomes := loader.keep_if_due():
                    told.send(outcomes)
            if outcomes := loader.keep():
                told.send(outcomes)
            told.send([])
            _wait(told)
            store.checkpoint()
    except (sqlite3.Error, StoreError) as error:
        with suppress(ConnectionError):
            told.send(f"{work.path} cannot be written: {error}")
    except ConnectionError:
        # Nobody listens any more: what is kept stays, and is read again.
        return


def _wait(parent: Connection) -> None:
    """Wait until the parent has written what it had to, or has gone."""
    with suppress(EOFError, ConnectionError):
        parent.recv()


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Join small pieces, so that the heap is not asked for each of them."""
    pieces = list(pieces)
    whole = sum(piece.end - piece.start for piece in pieces)
    wanted = max(BATCH_BYTES, whole // BATCHES_MAX)
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += piece.end - piece.start
        if size >= wanted:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
