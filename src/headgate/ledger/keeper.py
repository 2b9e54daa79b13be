"""The steward's hands on the ledger: lends durably, folds journals, takes over dead ones."""

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, insert, select
from sqlalchemy.exc import SQLAlchemyError

from headgate.ledger import store_fold, store_leases, tables
from headgate.ledger.allotments import Allotment, Short
from headgate.ledger.book import LeaseBook
from headgate.ledger.fold import Batch, Caller, Held, Known, Movement, fold
from headgate.ledger.folded import decode
from headgate.ledger.line import Grant, Line
from headgate.ledger.rows import (
    hold_of_row,
    waived_of_row,
    windows_of_row,
)
from headgate.ledger.store_adjustments import take_adjustments
from headgate.ledger.store_nodes import source_of
from headgate.records.journal import REFERENCES_MAX, SealedRecord, SettleRecord
from headgate.store.journal_reader import Cursor, JournalReader, journals
from headgate.store.journal_writer import boot_id, take_lock
from headgate.store.trouble import FIX, said
from headgate.units.errors import StoreError

PIECE_RECORDS = 512
"""What is folded at once: the objects of a piece stay in a processor's second cache, those of a
stretch do not, and then folding costs a tenth more."""


@dataclass(slots=True)
class OpenJournal:
    """A journal that is not folded to its end."""

    reader: JournalReader
    known: Known


class Keeper:
    """Keeps the ledger's tables; exactly one exists for a store, in the steward.

    Args:
        engine: The store, opened for writing.
        root: The folder of journals.
        limit_of: The limit of a window by its key, in nano-dollars; None when no budget of the
            configuration has that window, so nothing more is lent of it.
        node: The id of this node among those that share the store; empty when it is alone.

    Attributes:
        root: The folder of journals.
        failed: Whether a change could not be stored. What is in memory is then ahead of the
            store, so nothing more is done or told; a new keeper starts from the store.
    """

    def __init__(
        self,
        engine: Engine,
        root: Path,
        limit_of: Callable[[str], int | None],
        node: str = "",
    ) -> None:
        self._engine = engine
        self.root = root
        self.limit_of = limit_of
        self.book = LeaseBook()
        self.source = source_of(engine, node, self.book, self._configured)
        self.allotments = self.source.allotments
        self.line = Line(self.book, self._limit)
        self.line.recalled.connected |= self.source.lenders
        self.journals: dict[str, OpenJournal] = {}
        self.failed = False
        # Ids of callers and routes; nobody else gives any.
        self._ids: Iterator[int] = itertools.count(1)
        self._load()

    def _check(self) -> None:
        if self.failed:
            raise StoreError("The store could not be written, or a journal not be folded, before.")

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """Change the store, whole or not at all.

        Raises:
            StoreError: It cannot be written, now or before.
        """
        self._check()
        with self._whole(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            self.failed = True
            raise StoreError(f"The store cannot be used: {said(error)}.", FIX) from error

    def _load(self) -> None:
        with self._engine.connect() as connection:
            self.allotments.load(connection)
            self._ids = self.source.ids(connection)
            for used in self.source.used(connection):
                account = self.book.account(used.window, self._limit(used.window))
                account.closed_nanos = used.posted_nanos
                account.unaccounted_nanos = used.unaccounted_nanos
            own = select(tables.journal).where(tables.journal.c.node == self.source.node)
            names = own.with_only_columns(tables.journal.c.name)
            leases = select(tables.lease).where(tables.lease.c.journal.in_(names))
            for row in connection.execute(leases).mappings():
                account = self.book.account(row["window"], self._limit(row["window"]))
                # The window's sum has all postings; those of open leases are counted there.
                account.closed_nanos -= row["posted_nanos"]
                moved = (row["posted_nanos"], row["held_nanos"])
                self.book.post(row["journal"], row["window"], *moved)
                account.leases[row["journal"]].granted_nanos = row["granted_nanos"]
            for row in connection.execute(own).mappings():
                if not row["ended"]:
                    cursor = Cursor(row["seq"], row["offset"])
                    self._follow(connection, row["name"], cursor)
        self.book.at_rest = self.source.at_rest

    def _configured(self, window: str) -> int:
        return self.limit_of(window) or 0

    def _limit(self, window: str) -> int:
        return self.source.limit(window)

    def follow(self, beside: Callable[[str], Sequence[str]]) -> Callable[[str], int]:
        """Be told which other windows count in the limit of one; return what is used of those."""
        self.line.beside = beside
        return self.source.follow(beside)

    def carve(self, allotments: Sequence[Allotment], at_ns: int) -> list[Short]:
        """Carve allotments that were not carved yet, durably; return those that do not fit."""
        with self._change() as connection:
            shorts = self.allotments.carve(connection, allotments, at_ns)
        self._lay_to_rest({above for each in allotments for above in each.parents})
        return shorts

    def set_aside(self, wanted: Iterable[Allotment], at_ns: int) -> list[Allotment]:
        """Carve allotments, durably, or change them to what is wanted.

        Returns:
            Those that are smaller than wanted: what is above them has no more free.
        """
        new = [each for each in wanted if not self.allotments.has(each)]
        if not new:
            return []
        with self._change() as connection:
            fits = [self.allotments.fit(connection, each, at_ns) for each in new]
        # What is lent of one that ended counts where it was, and may be why it fits nowhere else.
        self.line.call_in([each.window for each in new if self.book.windows[each.window].ended])
        return [each for each, nanos in zip(new, fits, strict=True) if nanos < each.amount_nanos]

    def end_allotments(self, over: Callable[[Allotment], bool], at_ns: int) -> int:
        """End the allotments that are over, durably; returns how many did."""
        ended = self.allotments.lasting(over)
        if ended:
            with self._change() as connection:
                self.allotments.end(connection, ended, at_ns)
            # What workers have of them flows back only when they give it back.
            self.line.call_in([each.window for each in ended])
            self._lay_to_rest([each.window for each in ended])
        return len(ended)

    def _follow(self, connection: Connection, name: str, cursor: Cursor) -> None:
        known = Known(self._ids)
        for row in connection.execute(_newest(tables.caller, name)).mappings():
            known.callers[row["number"]] = Caller(
                row["id"], windows_of_row(row), waived_of_row(row)
            )
        for row in connection.execute(_newest(tables.route, name)).mappings():
            known.routes[row["number"]] = row["id"]
        joined = tables.attempt.join(tables.caller, tables.caller.c.id == tables.attempt.c.caller)
        held = select(tables.attempt, tables.caller.c.windows).select_from(joined)
        held = held.where(tables.caller.c.journal == name, tables.attempt.c.state == "held")
        for row in connection.execute(held).mappings():
            hold = hold_of_row(row)
            caller = Caller(hold.caller, windows_of_row(row))
            known.open_holds[hold.attempt] = Held(hold, caller, stored=True)
        self.journals[name] = OpenJournal(JournalReader(self.root / name, cursor), known)

    def discover(self) -> None:
        """Follow journals that appeared in the folder since the last look."""
        with self._change() as connection:
            own = tables.journal.c.node == self.source.node
            known = set(connection.scalars(select(tables.journal.c.name).where(own)))
            for directory in journals(self.root):
                if directory.name not in known:
                    connection.execute(
                        insert(tables.journal).values(
                            name=directory.name,
                            seq=1,
                            offset=0,
                            ended=False,
                            node=self.source.node,
                        )
                    )
                    self._follow(connection, directory.name, Cursor())

    def lend(self, now_ms: int, *, heard: bool = True) -> store_leases.Lent:
        """Lend to whom the line lends now, durably.

        Args:
            now_ms: Monotonic time.
            heard: Whether all that workers have said by now is known.

        Raises:
            StoreError: It cannot be written, now or before: then nobody may be told.
        """
        self._check()
        wanted = self.line.wanted()
        if self.source.lacks(wanted):
            with self._change() as connection:
                self.source.provide(connection, wanted)
        with self._whole():
            # Windows at rest are looked up.
            outcomes, grants = self.line.decide(now_ms, heard=heard), self.line.grants()
        changed, self.line.changed = self.line.changed, set()
        if changed:
            with self._change() as connection:
                store_leases.keep(connection, self.book, changed)
        self._lay_to_rest(wanted)
        return store_leases.Lent(outcomes, grants)

    def return_idle(self, windows: Collection[str] | None) -> None:
        """Give back to the store that nodes share what no worker was lent, None for all windows."""
        with self._change() as connection:
            self.source.return_idle(connection, windows)

    def call_in(self) -> None:
        """Recall, when the line is next asked, what is lent of windows above their limits."""
        for window, account in self.book.windows.items():
            account.limit_nanos = self._limit(window)
        over = [window for window, each in self.book.windows.items() if each.free_nanos < 0]
        self.line.call_in(over)

    def lent_to(self, journal: str) -> dict[str, Grant]:
        """Return what a worker's epoch was lent by window, and what of it is posted by now.

        Raises:
            StoreError: The store could not be written before.
        """
        self._check()
        while journal in self.journals and self._fold_one(journal, self.journals[journal]):
            pass
        return {
            window: Grant(lease.granted_nanos, lease.posted_nanos)
            for window, account in self.book.windows.items()
            if (lease := account.leases.get(journal)) is not None
        }

    @property
    def behind(self) -> bool:
        """Whether the last fold left records that were there already."""
        return any(followed.reader.behind for followed in self.journals.values())

    def fold(self) -> int:
        """Fold the next records of every open journal; returns how many there were.

        Raises:
            StoreError: The store cannot be written, now or before.
            JournalError: A record is none, or does not follow from those before it.
        """
        folded = 0
        for name, followed in list(self.journals.items()):
            folded += self._fold_one(name, followed)
        return folded

    def _fold_one(self, name: str, followed: OpenJournal) -> int:
        """Fold the next records of a journal.

        Whatever goes wrong: what is in memory has come further than the store.
        """
        self._check()
        try:
            return self._fold_next(name, followed)
        except BaseException:
            self.failed = True
            raise

    def _fold_next(self, name: str, followed: OpenJournal) -> int:
        payloads = followed.reader.read_payloads()
        if not payloads:
            return 0
        batch = Batch()
        with self._change() as connection:
            for start in range(0, len(payloads), PIECE_RECORDS):
                piece = payloads[start : start + PIECE_RECORDS]
                fold(followed.reader.decoded(piece, decode), followed.known, batch)
                store_fold.keep_ended(connection, name, batch)
            store_fold.keep(connection, name, batch)
            store_fold.keep_place(connection, name, followed.reader)
            self.source.moved(connection, batch.movements)
            for window, movement in batch.movements.items():
                self.book.account(window, self._limit(window))
                self.book.post(name, window, movement.posted_nanos, movement.held_nanos)
                self.line.recalled.holds(name, window, movement.opened_nanos)
            adjusted = take_adjustments(connection, name, batch.adjustments)
            self.source.moved(connection, {each: Movement(0, adjusted[each]) for each in adjusted})
            for window, amount in adjusted.items():
                self.allotments.wake(connection, window)
                self.book.account(window, self._limit(window))
                self.book.adjust(window, amount)
            self._end_small(connection, name, batch.movements)
            if followed.reader.ended:
                self._close_leases(connection, name, followed)
        self._lay_to_rest(batch.movements.keys() | adjusted.keys())
        if followed.reader.ended:
            del self.journals[name]
            self._lay_to_rest(list(self.book.windows))
        return len(payloads)

    def _lay_to_rest(self, windows: Iterable[str]) -> None:
        """Let go of accounts that the store can be asked for; what they are of is committed."""
        for window in windows:
            self.source.lay_to_rest(window)

    def end_small(self, name: str, windows: Collection[str]) -> None:
        """End a worker's leases of small windows whose work is over, once all is folded."""
        pairs = [(name, window) for window in windows]
        self.line.ending.update(pairs)
        with self._change() as connection:
            self._end_small(connection, name, windows)
        self._lay_to_rest(windows)

    def _end_small(self, connection: Connection, name: str, windows: Iterable[str]) -> None:
        for window in windows:
            if self.line.has_ended(name, window):
                store_leases.end(connection, self.book, name, window)
                self.line.recalled.forget(name, window)

    def _close_leases(self, connection: Connection, name: str, followed: OpenJournal) -> None:
        # Only a power cut can have taken records; a worker that ended cleanly wrote all of them.
        trusted = followed.reader.is_whole(boot_id())
        for window, lost in store_leases.close(connection, self.book, name, trusted=trusted):
            self.source.lost(connection, window, lost)
        self.line.part(name)

    def take_over(self, name: str, at_ns: int) -> bool:
        """Close the journal of a dead worker: its open holds are posted whole, `estimated`.

        Returns:
            False while its worker lives (the lock is taken).
        """
        followed = self.journals[name]
        lock = take_lock(followed.reader.directory)
        if lock is None:
            return False
        try:
            while self._fold_one(name, followed):
                pass
            if name in self.journals:
                self._close_holds(followed, at_ns)
                while self._fold_one(name, followed):
                    pass
            followed.reader.trim()
        finally:
            os.close(lock)
        return True

    def _close_holds(self, followed: OpenJournal, at_ns: int) -> None:
        # Each is folded before the next is written: a crash in between starts over from there.
        for held in list(followed.known.open_holds.values()):
            end = SettleRecord(
                attempt=held.hold.attempt,
                at_ns=at_ns,
                amount_nanos=held.hold.amount_nanos,
                state="estimated",
                reason="worker_died",
                by="takeover",
            )
            followed.reader.append(end)
            self._fold_one(followed.reader.directory.name, followed)
        followed.reader.append(SealedRecord(at_ns, last=True, by="takeover"))


def _newest(table: Table, journal: str) -> Select[*tuple[Any, ...]]:
    """Select what the holds of a journal may still refer to."""
    named = select(table).where(table.c.journal == journal)
    return named.order_by(table.c.number.desc()).limit(REFERENCES_MAX)
