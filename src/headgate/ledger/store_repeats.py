"""The steward's hands on idempotency keys: claims them durably, keeps replies, forgets in time.

They lie in a SQLite file of their own: what clients were answered stays out of the ledger's store
and its backups, and may be deleted without touching a cent. Where nodes share a store on PostgreSQL
they lie in a table of it, so that the same key at two nodes is one charge.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    event,
    func,
    insert,
    select,
    update,
)

from headgate.ledger import tables
from headgate.ledger.repeats import Claimed, Ruling, Tried, rule
from headgate.ledger.settings import Idempotency
from headgate.records.repeats import Claim, Kept, Over, Verdict
from headgate.store.database import make_engine
from headgate.store.dialect import hold_lock, is_shared
from headgate.store.place import database_of
from headgate.store.postgresql import make_server_engine
from headgate.units.instants import NANOS_PER_SECOND

FILE_NAME = "repeats.db"
NANOS_PER_HOUR = 3_600 * NANOS_PER_SECOND
EVICTED_AT_ONCE = 10_000
FORGOTTEN_AT_ONCE = 1_000
ERASED_BYTES_AT_ONCE = 32 << 20

repeat = Table(
    "repeat",
    MetaData(),
    Column("owner", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("principal", String, nullable=False, index=True),
    Column("call", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("journal", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    Column("over", Boolean, nullable=False),
    Column("whole", Boolean, nullable=False),
    # The reply that is kept; none where `bytes` is 0.
    Column("bytes", BigInteger, nullable=False),
    Column("status", Integer),
    Column("content_type", String),
    Column("lines", Text),
    Column("body", LargeBinary),
)
"""A key by its owner, the call that has it, and that call's reply."""

NOTHING_KEPT = {"bytes": 0, "status": None, "content_type": None, "lines": None, "body": None}


def open_repeats(data_dir: Path) -> Engine:
    """Open the owner's own file for writing, or the database that nodes share."""
    url = database_of(data_dir)
    if url is not None:
        engine = make_server_engine(url)
        with engine.begin() as connection:
            hold_lock(connection, "migrations")
            repeat.metadata.create_all(connection)
        return engine
    path = data_dir / FILE_NAME
    path.touch(mode=0o600)
    engine = make_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _erase(connection: Any, _record: Any) -> None:
        # What is forgotten is overwritten, not just marked as free.
        connection.execute("PRAGMA secure_delete=ON")

    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    repeat.metadata.create_all(engine)
    return engine


class Repeats:
    """Keeps the keys of a node, or of all that share a store; a node's steward has one.

    Args:
        engine: The file, opened for writing.
        books: The store, for reading: what calls came to.
        fold: Folds what the journals have by now into it.
    """

    def __init__(self, engine: Engine, books: Engine, fold: Callable[[], None]) -> None:
        self._engine = engine
        self._books = books
        self._fold = fold
        with engine.connect() as connection:
            self._shared = is_shared(connection)
            self._kept_bytes: int = connection.scalar(select(func.sum(repeat.c.bytes))) or 0

    def claim(self, claim: Claim, settings: Idempotency, now_ns: int) -> Verdict:
        """Give a key to a call, durably, or tell what the call is to do instead."""
        with self._engine.begin() as connection:
            hold_lock(connection, f"repeat {claim.owner} {claim.key}")
            row = connection.execute(select(repeat).where(_is(claim))).one_or_none()
            claimed = None if row is None else self._claimed(row)
            attempts = self._attempts(claimed) if claimed is not None else []
            ruling = rule(claimed, attempts, claim.fingerprint, again=claim.again)
            if ruling is Ruling.GO:
                return self._take(connection, claim, row, settings, now_ns)
            assert row is not None, ruling
            return Verdict(
                ruling,
                row.call,
                sum(each.posted_nanos for each in attempts),
                max(0, now_ns - row.at_ns) // NANOS_PER_SECOND,
                _kept(row) if ruling is Ruling.REPLAY else None,
            )

    def _take(
        self,
        connection: Connection,
        claim: Claim,
        row: Row[Any] | None,
        settings: Idempotency,
        now_ns: int,
    ) -> Verdict:
        principal = claim.owner.partition("/")[0]
        if row is None:
            owned = select(func.count()).where(repeat.c.principal == principal)
            if (connection.scalar(owned) or 0) >= settings.keys_max:
                return Verdict(Ruling.FULL, claim.call)
        else:
            self._forget(connection, row)
        values = {
            "owner": claim.owner,
            "key": claim.key,
            "principal": principal,
            "call": claim.call,
            "fingerprint": claim.fingerprint,
            "journal": claim.journal,
            "at_ns": now_ns,
            "over": False,
            "whole": False,
        }
        connection.execute(insert(repeat).values(values | NOTHING_KEPT))
        return Verdict(Ruling.GO, claim.call)

    def over(self, over: Over, settings: Idempotency) -> None:
        """Take down that a call is over, with its reply; may be told again.

        A call that was never held for leaves its key free.
        """
        if self._shared:
            # A steward elsewhere that is asked next knows what this call came to from the store.
            self._fold()
        with self._engine.begin() as connection:
            hold_lock(connection, f"repeat {over.owner} {over.key}")
            whose = and_(_is(over), repeat.c.call == over.call)
            row = connection.execute(select(repeat).where(whose)).one_or_none()
            if row is None:
                return
            if not over.sent:
                self._forget(connection, row)
                return
            values: dict[str, object] = {"over": True, "whole": over.whole}
            kept = over.kept
            if kept is not None and not row.bytes and settings.keep:
                size = max(1, len(kept.body))
                if self._make_room(connection, size, settings.replies_bytes_max):
                    self._kept_bytes += size
                    values |= {"bytes": size, "status": kept.status, "body": kept.body}
                    values |= {"content_type": kept.content_type, "lines": kept.lines}
            connection.execute(update(repeat).where(whose).values(values))

    def sweep(self, settings: Idempotency, now_ns: int) -> int:
        """Forget keys whose time is over; returns how many. Those of running calls stay.

        So few at once that nobody waits long for the steward.
        """
        before_ns = now_ns - settings.keep_hours * NANOS_PER_HOUR
        named = [column for column in repeat.c if column.name != "body"]
        overdue = select(*named).where(repeat.c.at_ns <= before_ns).order_by(repeat.c.at_ns)
        forgotten = erased_bytes = 0
        with self._engine.begin() as connection:
            if self._shared:
                self._kept_bytes = connection.scalar(select(func.sum(repeat.c.bytes))) or 0
            for row in connection.execute(overdue.limit(FORGOTTEN_AT_ONCE)).all():
                if erased_bytes > ERASED_BYTES_AT_ONCE:
                    break
                if row.over or self._ended(row.journal) is not False:
                    self._forget(connection, row)
                    forgotten += 1
                    erased_bytes += row.bytes
        return forgotten

    def _make_room(self, connection: Connection, size: int, bytes_max: int) -> bool:
        """Stop keeping the oldest replies until one more fits; False when it never does."""
        oldest = select(repeat.c.owner, repeat.c.key, repeat.c.bytes).where(repeat.c.bytes > 0)
        oldest = oldest.order_by(repeat.c.at_ns).limit(EVICTED_AT_ONCE)
        for row in connection.execute(oldest).all() if size <= bytes_max else ():
            if self._kept_bytes + size <= bytes_max:
                break
            connection.execute(update(repeat).where(_is(row)).values(NOTHING_KEPT))
            self._kept_bytes -= row.bytes
        return self._kept_bytes + size <= bytes_max

    def _forget(self, connection: Connection, row: Row[Any]) -> None:
        connection.execute(delete(repeat).where(_is(row)))
        self._kept_bytes -= row.bytes

    def _claimed(self, row: Row[Any]) -> Claimed:
        # Where the books know nothing of a journal, nobody knows what its calls came to.
        over = row.over or self._ended(row.journal) is True
        return Claimed(row.call, row.fingerprint, over, row.whole, row.bytes > 0)

    def _ended(self, journal: str) -> bool | None:
        """Tell whether a worker is gone and all that it did is in the books; None: unknown."""
        ended = select(tables.journal.c.ended).where(tables.journal.c.name == journal)
        with self._books.connect() as connection:
            return connection.scalar(ended)

    def _attempts(self, claimed: Claimed) -> list[Tried]:
        if not claimed.over or claimed.kept:
            # What they came to does not matter (yet).
            return []
        self._fold()
        of_call = select(tables.attempts.c.state, tables.attempts.c.posted_nanos)
        of_call = of_call.add_columns(tables.attempts.c.reason)
        of_call = of_call.where(tables.is_of_call(claimed.call)).order_by(tables.attempts.c.attempt)
        with self._books.connect() as connection:
            return [
                Tried(row.state, row.posted_nanos, row.reason)
                for row in connection.execute(of_call)
            ]


def _is(which: Any) -> ColumnElement[bool]:
    """Select the key that a claim, an end or a row is about."""
    return and_(repeat.c.owner == which.owner, repeat.c.key == which.key)


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.status, row.content_type, row.lines, row.body)
