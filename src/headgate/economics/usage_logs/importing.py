"""One import: files are shared among processes, copies dropped, late prices given."""

import gc
import multiprocessing
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.load_files import Log, Survey, pieces_of
from headgate.economics.usage_logs.load_usage import Loader, Outcome, Piece
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.record import Tally
from headgate.economics.usage_logs.store import FileState, UsageStore
from headgate.units.errors import StoreError

PROCESSES_MAX = 8
ONE_PROCESS_BYTES = 16 * 1024 * 1024
"""Less than this is read quicker than processes start."""
BATCH_BYTES = 8 * 1024 * 1024
MARK_BYTES = 128 * 1024 * 1024
"""How much is read before it is noted which files are done; reading it again would do no harm."""
_BOOK = "price book"
_COPIES, _DUE = "copies", "due"


@dataclass(slots=True)
class Done:
    """What an import did.

    Attributes:
        files: Files that had something new.
        unchanged: Files that had nothing.
        bytes_read: Bytes of logs that were new.
        records: Records found in them, copies included.
        copies: Records dropped because they repeat another's.
        tally: What became of the lines.
        troubled: Files that cannot be read, or have broken or foreign lines, with what is wrong.
    """

    files: int = 0
    unchanged: int = 0
    bytes_read: int = 0
    records: int = 0
    copies: int = 0
    tally: Tally = field(default_factory=Tally)
    troubled: list[str] = field(default_factory=list)


class Import(NamedTuple):
    """What to import, and into what.

    Attributes:
        path: The store.
        book: The prices.
        seat: Whose usage it is where a log does not say.
        reprice: Price what is there anew, by today's price book.
    """

    path: Path
    book: PriceBook
    seat: str
    reprice: bool = False

    def run(self, found: Survey, advance: Callable[[int], None]) -> Done:
        """Import what is new in the logs; `advance` is told the bytes as they are done.

        Raises:
            StoreError: The store cannot be used, or a reading process has died. What was kept
                stays, and the next import goes on.
        """
        done = Done()
        try:
            self._run(found, done, advance)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error
        except BrokenProcessPool as error:
            raise StoreError("A process that read logs has died; import again to go on.") from error
        return done

    def _run(self, found: Survey, done: Done, advance: Callable[[int], None]) -> None:
        with closing(UsageStore(self.path)) as store:
            known = store.files()
        work: list[Piece] = []
        for log in found.logs:
            pieces = pieces_of(log, known.get(log.path), self.seat)
            done.unchanged += not pieces
            work += pieces
        done.bytes_read = sum(piece.end - piece.start for piece in work)
        if work:
            with closing(UsageStore(self.path)) as store:
                store.set_note(_COPIES, _DUE)
            self._load(found, work, done, advance)
        with closing(UsageStore(self.path)) as store:
            # Also after an import that was interrupted when all was read.
            if store.note(_COPIES) == _DUE:
                for source, form in formats().items():
                    done.copies += store.drop_copies(source, form.copies)
                store.set_note(_COPIES, "dropped")
            self._price(store)

    def _load(
        self, found: Survey, work: list[Piece], done: Done, advance: Callable[[int], None]
    ) -> None:
        """Read all pieces, and note how far files were read as they are done."""
        logs = {log.path: log for log in found.logs}
        waiting = Counter(piece.path for piece in work)
        parts: dict[str, list[Outcome]] = {}
        read: list[FileState] = []
        unmarked = 0
        try:
            for outcomes in self._outcomes(list(_batches(work)), done.bytes_read):
                for outcome in outcomes:
                    path = outcome.piece.path
                    parts.setdefault(path, []).append(outcome)
                    if len(parts[path]) == waiting[path]:
                        read += self._finish(logs[path], parts.pop(path), done)
                size = sum(one.piece.end - one.piece.start for one in outcomes)
                advance(size)
                unmarked += size
                if unmarked >= MARK_BYTES:
                    self._mark(read)
                    unmarked = 0
                    read.clear()
        finally:
            # Also when somebody stops it: the next import goes on from here.
            self._mark(read)

    def _mark(self, read: list[FileState]) -> None:
        with closing(UsageStore(self.path)) as store:
            store.mark(read)

    def _outcomes(self, work: list[list[Piece]], size: int) -> Iterator[list[Outcome]]:
        processes = min(PROCESSES_MAX, os.cpu_count() or 1, len(work))
        if processes <= 1 or size < ONE_PROCESS_BYTES:
            with closing(UsageStore(self.path)) as store:
                yield from map(Loader(store, Pricer(self.book)).load, work)
            return
        # Where fork is safe it saves each process loading everything anew.
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        turn = context.Lock()
        pool = ProcessPoolExecutor(processes, context, _begin, (self.path, self.book, turn))
        try:
            for finished in as_completed([pool.submit(_load, batch) for batch in work]):
                yield finished.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _finish(self, log: Log, outcomes: list[Outcome], done: Done) -> Iterator[FileState]:
        """Yield how far a file was read, once all its pieces are kept."""
        tally = Tally()
        for one in outcomes:
            tally.add(one.tally)
            done.records += one.records
        last = max(outcomes, key=lambda one: one.piece.end)
        done.tally.add(tally)
        trouble = next((one.trouble for one in outcomes if one.trouble), "")
        if trouble:
            done.troubled.append(f"{log.path}: {trouble}")
            return
        if tally.broken or tally.foreign:
            counts = f"{tally.broken} broken, {tally.foreign} foreign of {tally.lines} lines"
            done.troubled.append(f"{log.path}: {counts}")
        done.files += 1
        yield FileState(
            log.path,
            log.source,
            self.seat,
            log.size,
            log.mtime_ns,
            last.reached,
            last.tail,
            tally.lines,
            tally.broken,
            tally.foreign,
        )

    def _price(self, store: UsageStore) -> None:
        """Price what waits; what had no price is tried again when the book is another one."""
        pricer, book = Pricer(self.book), _fingerprint(self.book)
        if self.reprice:
            store.forget_prices()
        another = store.note(_BOOK) != book
        store.price_waiting(pricer, lambda source: formats()[source].SELLER, unpriced_too=another)
        if another:
            store.set_note(_BOOK, book)


_loaders: list[Loader] = []
"""The one loader of a process of the pool, which `_begin` makes there; empty elsewhere."""


def _begin(path: Path, book: PriceBook, turn: Lock) -> None:
    # Whoever stops the command stops the parent, which lets what runs here end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing here makes cycles, and looking for some takes a tenth of the time.
    gc.disable()
    _loaders.append(Loader(UsageStore(path), Pricer(book), turn))


def _load(batch: list[Piece]) -> list[Outcome]:
    return _loaders[0].load(batch)


def _batches(work: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Join small pieces, so that a process is not asked for each of them."""
    batch: list[Piece] = []
    size = 0
    for piece in work:
        if batch and size + piece.end - piece.start > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += piece.end - piece.start
    if batch:
        yield batch


def _fingerprint(book: PriceBook) -> str:
    digest = blake2b(digest_size=16)
    for row in book.rows:
        digest.update(repr((row.id, row.prices_femto, row.superseded_at_ns)).encode())
    return digest.hexdigest()
