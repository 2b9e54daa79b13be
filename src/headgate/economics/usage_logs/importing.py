"""One import: files are shared among processes, copies dropped, late prices given."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.load_files import Log, Survey, pieces_of
from headgate.economics.usage_logs.load_usage import Outcome, Piece
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.readers import Readers
from headgate.economics.usage_logs.record import Tally
from headgate.economics.usage_logs.store import FileState, UsageStore
from headgate.units.errors import StoreError

MARK_BYTES = 64 * 1024 * 1024
"""How much is read before it is noted which files are done; reading it again would do no harm."""
_BOOK = "price book"


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
        # In this order: no process may inherit an open store.
        with (
            closing(Readers(work, self.path, self.book)) as readers,
            closing(UsageStore(self.path)) as store,
        ):
            if work:
                files = _Files(found, work, self.seat, done)
                _mark_what_is_read(store, files, readers.outcomes(), advance)
            # Also after an import that was interrupted when all was read.
            done.copies += store.drop_copies({kind: one.copies for kind, one in formats().items()})
            self._price(store)

    def _price(self, store: UsageStore) -> None:
        """Price what waits; what had no price is tried again when the book is another one."""
        pricer, book = Pricer(self.book), _fingerprint(self.book)
        if self.reprice:
            store.forget_prices()
        another = store.note(_BOOK) != book
        store.price_waiting(pricer, lambda source: formats()[source].SELLER, unpriced_too=another)
        if another:
            store.set_note(_BOOK, book)


class _Files:
    """Which files are read to their end, as the pieces of them come back in any order.

    Attributes:
        read: How far files were read, those that are done and not yet marked.
    """

    def __init__(self, found: Survey, work: Iterable[Piece], seat: str, done: Done) -> None:
        self.read: list[FileState] = []
        self._logs = {log.path: log for log in found.logs}
        self._waiting = Counter(piece.path for piece in work)
        self._parts: dict[str, list[Outcome]] = {}
        self._seat = seat
        self._done = done

    def take(self, outcomes: Iterable[Outcome]) -> int:
        """Take what became of some pieces; return their bytes."""
        size = 0
        for outcome in outcomes:
            piece = outcome.piece
            size += piece.end - piece.start
            self._parts.setdefault(piece.path, []).append(outcome)
            if len(self._parts[piece.path]) == self._waiting[piece.path]:
                self._finish(self._logs[piece.path], self._parts.pop(piece.path))
        return size

    def _finish(self, log: Log, outcomes: list[Outcome]) -> None:
        """Note how far a file was read, once all its pieces are kept."""
        tally, done = Tally(), self._done
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
        state = FileState(
            log.path,
            log.source,
            self._seat,
            log.size,
            log.mtime_ns,
            last.reached,
            last.tail,
            tally.lines,
            tally.broken,
            tally.foreign,
        )
        self.read.append(state)


def _mark_what_is_read(
    store: UsageStore,
    files: _Files,
    outcomes: Iterable[list[Outcome]],
    advance: Callable[[int], None],
) -> None:
    """Note how far files were read as they are done, while other processes go on reading."""
    unmarked = 0
    try:
        for some in outcomes:
            size = files.take(some)
            advance(size)
            unmarked += size
            if unmarked >= MARK_BYTES:
                store.mark(files.read)
                # This process waits for the disk, so that nobody has to at the end.
                store.checkpoint()
                unmarked = 0
                files.read.clear()
    finally:
        # Also when somebody stops it: the next import goes on from here.
        store.mark(files.read)


def _fingerprint(book: PriceBook) -> str:
    digest = blake2b(digest_size=16)
    for row in book.rows:
        digest.update(repr((row.id, row.prices_femto, row.superseded_at_ns)).encode())
    return digest.hexdigest()
