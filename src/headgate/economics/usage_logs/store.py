"""The tables of `usage.db`: what was imported, from which files, how far.

Decision 0012 says why it is a file of its own. Merging is a join: of two tellings of one record the
richer stays and the earlier start stays, so any order and any repetition of files end the same.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from headgate.economics.usage_logs.pricing import Priced, Pricer
from headgate.economics.usage_logs.record import (
    Findings,
    Found,
    Telling,
)
from headgate.store.private import make_private
from headgate.units.errors import StoreError
from headgate.units.usage import Usage

Copies = Callable[[Iterable[Telling], Mapping[str, str]], set[str]]
"""What a format's `copies` is."""

STORE_NAME = "usage.db"
SCHEMA = 1
"""Kept in `user_version`; a store of another one is not read."""
IMPORT_FIRST = "Run `headgate import` first."
"""What to do where nothing was imported."""

_PRAGMAS = (
    "PRAGMA busy_timeout=30000",
    "PRAGMA cache_size=-32768",
    # 64 MB: an import writes the same pages often, and each checkpoint waits for the disk.
    "PRAGMA wal_autocheckpoint=16384",
)
_MAPPED = "PRAGMA mmap_size=1073741824"
"""Reports go through all of it once: mapped, no page is copied for that."""
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS usage (
    source TEXT NOT NULL, reply TEXT NOT NULL, part TEXT NOT NULL, rank INTEGER NOT NULL,
    at_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, model TEXT NOT NULL,
    input_uncached INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    cache_write_24h INTEGER NOT NULL, input_audio INTEGER NOT NULL,
    output_text INTEGER NOT NULL, output_reasoning INTEGER NOT NULL,
    output_audio INTEGER NOT NULL, web_search INTEGER NOT NULL,
    told_seller TEXT, tier TEXT NOT NULL, region TEXT NOT NULL, ttl_unknown INTEGER NOT NULL,
    calls INTEGER NOT NULL, told_grade TEXT NOT NULL, seat TEXT NOT NULL, session TEXT NOT NULL,
    project TEXT NOT NULL, billed_nanos INTEGER, reported_nanos INTEGER, side INTEGER NOT NULL,
    seller TEXT NOT NULL, cost_nanos INTEGER, cost_high_nanos INTEGER, price_rows TEXT NOT NULL,
    grade TEXT NOT NULL, UNIQUE (source, reply, part)
);
CREATE TABLE IF NOT EXISTS bill (
    source TEXT NOT NULL, seller TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL, item TEXT NOT NULL, model TEXT NOT NULL,
    amount_nanos INTEGER NOT NULL, PRIMARY KEY (source, start_ns, end_ns, item)
);
CREATE TABLE IF NOT EXISTS reading (
    source TEXT NOT NULL, seat TEXT NOT NULL, window_minutes INTEGER NOT NULL,
    at_ns INTEGER NOT NULL, used_bp INTEGER NOT NULL, resets_ns INTEGER,
    PRIMARY KEY (source, seat, window_minutes, at_ns)
);
CREATE TABLE IF NOT EXISTS thread (
    source TEXT NOT NULL, thread TEXT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (source, thread)
);
CREATE TABLE IF NOT EXISTS file (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, seat TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, offset INTEGER NOT NULL, tail BLOB NOT NULL,
    lines INTEGER NOT NULL, broken INTEGER NOT NULL, foreign_lines INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS unpriced ON usage (source) WHERE cost_nanos IS NULL;
PRAGMA user_version=1;
COMMIT;
"""
_ROW = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PLAIN_ROW = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0, 0, NULL, ?, ?, 0, 1, ?, ?,
    ?, ?, NULL, NULL, 0, ?, ?, ?, ?, ?)
"""
"""What most records do not have is written out: handing values over is most of a row's cost."""
_ON_CONFLICT = """
ON CONFLICT (source, reply, part) DO UPDATE SET
    rank = excluded.rank, at_ns = excluded.at_ns, model = excluded.model,
    started_ns = min(usage.started_ns, excluded.started_ns),
    input_uncached = excluded.input_uncached, cache_read = excluded.cache_read,
    cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h,
    cache_write_24h = excluded.cache_write_24h, input_audio = excluded.input_audio,
    output_text = excluded.output_text, output_reasoning = excluded.output_reasoning,
    output_audio = excluded.output_audio, web_search = excluded.web_search,
    told_seller = excluded.told_seller, tier = excluded.tier, region = excluded.region,
    ttl_unknown = excluded.ttl_unknown, calls = excluded.calls,
    told_grade = excluded.told_grade, seat = excluded.seat, session = excluded.session,
    project = excluded.project, billed_nanos = excluded.billed_nanos,
    reported_nanos = excluded.reported_nanos, side = excluded.side, seller = excluded.seller,
    cost_nanos = iif(excluded.started_ns <= usage.started_ns, excluded.cost_nanos, NULL),
    cost_high_nanos = excluded.cost_high_nanos,
    price_rows = iif(excluded.started_ns <= usage.started_ns, excluded.price_rows, ''),
    grade = excluded.grade
WHERE (excluded.rank, excluded.at_ns, excluded.session) >= (usage.rank, usage.at_ns, usage.session)
"""
"""The richer telling wins; what was priced at a later start than the earliest waits for a price."""
_MERGE, _MERGE_PLAIN = _ROW + _ON_CONFLICT, _PLAIN_ROW + _ON_CONFLICT
_STARTS = """
UPDATE usage SET started_ns = ?1, price_rows = '', cost_nanos = NULL, cost_high_nanos = NULL
WHERE source = ?2 AND reply = ?3 AND part = ?4 AND started_ns > ?1
"""
_WAITING = "SELECT rowid, * FROM usage WHERE cost_nanos IS NULL AND (price_rows = '' OR ?)"
_PRICE = """
UPDATE usage SET seller = ?, cost_nanos = ?, cost_high_nanos = ?, price_rows = ?, grade = ?
WHERE rowid = ?
"""
_NOTE = "INSERT OR REPLACE INTO note VALUES (?, ?)"
_COPIES, _DUE = "copies", "due"
"""Noted with whatever is kept, so that no import ends, or dies, without it."""
_REPEATED = """
SELECT reply, part, side FROM usage WHERE source = ?1 AND reply IN (
    SELECT reply FROM usage WHERE source = ?1 GROUP BY reply HAVING count(*) > 1
) ORDER BY reply
"""


class FileState(NamedTuple):
    """How far a file was read.

    Attributes:
        tail: The bytes before `offset`: another tail means another file under the name.
    """

    path: str
    source: str
    seat: str
    size: int
    mtime_ns: int
    offset: int
    tail: bytes
    lines: int = 0
    broken: int = 0
    foreign_lines: int = 0


class UsageStore:
    """An open `usage.db`.

    Args:
        path: Where it is or will be.
        readonly: Open what is there and change nothing.

    Raises:
        StoreError: It is not there, of another release, or cannot be opened.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        if readonly and not path.exists():
            raise StoreError(f"There is no usage at {path}.", IMPORT_FIRST)
        try:
            if not readonly:
                make_private(path.parent)
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._set_up(new=not readonly)
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error

    def _set_up(self, *, new: bool) -> None:
        connection = self._connection
        for pragma in _PRAGMAS if new else (*_PRAGMAS, _MAPPED):
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            raise StoreError(f"{self.path} is of another release of Headgate (schema {version}).")
        if version == 0 and not new:
            raise StoreError(f"{self.path} holds no imported usage.", IMPORT_FIRST)
        if version == 0:
            # Nothing can be lost yet, so nothing waits for the disk.
            connection.execute("PRAGMA synchronous=OFF")
            connection.executescript(_TABLES)
            self.path.chmod(0o600)
        if new:
            # Also for a store whose making was interrupted here.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for queries."""
        return self._connection

    def checkpoint(self) -> None:
        """Move what was written into the file itself, as far as nobody has to wait for that."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def keep(self, source: str, seat: str, findings: Findings, prices: Iterable[Priced]) -> None:
        """Merge what was found in a piece of a log, in one transaction; may be repeated."""
        found = findings.usage
        plain, other = _rows(source, seat, zip(found, prices, strict=True))
        with self._transaction() as connection:
            before = self._rows_ever()
            connection.executemany(_MERGE_PLAIN, plain)
            connection.executemany(_MERGE, other)
            if self._rows_ever() - before < len(found):
                starts = [(one.started_ns, source, one.reply, one.part) for one in found]
                connection.executemany(_STARTS, starts)
            self._keep_others(source, seat, findings)
            connection.execute(_NOTE, (_COPIES, _DUE))

    def mark(self, states: Iterable[FileState]) -> None:
        """Note how far files were read; only after all of each was kept."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(states)
            )

    def files(self) -> dict[str, FileState]:
        """Return how far every known file was read, by path."""
        rows = self._connection.execute("SELECT * FROM file")
        return {state.path: state for state in map(FileState._make, rows)}

    def drop_copies(self, copies: Mapping[str, Copies]) -> int:
        """Delete the records that repeat others of one reply, if any came since it was last done.

        Args:
            copies: By the kind of a log, how its format says what repeats.
        """
        if self.note(_COPIES) != _DUE:
            return 0
        # In one transaction: what another import keeps meanwhile is due again.
        with self._transaction() as connection:
            doomed = [one for each in copies.items() for one in self._repeating(*each)]
            connection.executemany(
                "DELETE FROM usage WHERE source = ? AND reply = ? AND part = ?", doomed
            )
            connection.execute(_NOTE, (_COPIES, "dropped"))
        return len(doomed)

    def _repeating(self, source: str, copies: Copies) -> list[tuple[str, str, str]]:
        connection = self._connection
        parents = dict(
            connection.execute("SELECT thread, parent FROM thread WHERE source = ?", (source,))
        )
        doomed: list[tuple[str, str, str]] = []
        repeated = connection.execute(_REPEATED, (source,))
        for reply, group in groupby(repeated, key=lambda row: str(row[0])):
            tellings = [Telling(part, bool(side)) for _reply, part, side in group]
            doomed += [(source, reply, part) for part in sorted(copies(tellings, parents))]
        return doomed

    def price_waiting(
        self, pricer: Pricer, usual: Callable[[str], str | None], *, unpriced_too: bool
    ) -> None:
        """Price what a merge left without a price and, when asked, what had none before.

        `usual` is from a kind of log to its usual seller.
        """
        # In one transaction: where another import deletes, a row's number may become another's.
        with self._transaction() as connection:
            waiting = connection.execute(_WAITING, (unpriced_too,)).fetchall()
            prices = [(*pricer.price(found_of(row[1:]), usual(row[1])), row[0]) for row in waiting]
            connection.executemany(_PRICE, prices)

    def forget_prices(self) -> None:
        """Make every record wait for a price."""
        with self._transaction() as connection:
            connection.execute("UPDATE usage SET cost_nanos = NULL, price_rows = ''")

    def note(self, name: str) -> str | None:
        """Return what was noted under a name, None when nothing was."""
        row = self._connection.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, name: str, value: str) -> None:
        """Note a value under a name."""
        with self._transaction() as connection:
            connection.execute(_NOTE, (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of it or nothing; one writer at a time."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection as connection:
            yield connection

    def _rows_ever(self) -> int:
        (count,) = self._connection.execute("SELECT coalesce(max(rowid), 0) FROM usage").fetchone()
        return int(count)

    def _keep_others(self, source: str, seat: str, findings: Findings) -> None:
        connection = self._connection
        connection.executemany(
            "INSERT OR REPLACE INTO bill VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(source, *bill) for bill in findings.bills],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?, ?, ?)",
            [
                (source, seat, one.window_minutes, one.at_ns, one.used_bp, one.resets_ns)
                for one in findings.readings
            ],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO thread VALUES (?, ?, ?)",
            [(source, *thread) for thread in findings.threads],
        )


def _rows(
    source: str, seat: str, priced: Iterable[tuple[Found, Priced]]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows for `_MERGE_PLAIN`, and those for `_MERGE`."""
    plain: list[tuple[Any, ...]] = []
    other: list[tuple[Any, ...]] = []
    for one, price in priced:
        # Taken apart and put together by place, without lists between: there may be a million.
        (
            reply,
            part,
            rank,
            at_ns,
            started_ns,
            model,
            usage,
            told,
            tier,
            region,
            ttl,
            calls,
            grade,
            user,
            session,
            project,
            billed,
            reported,
            side,
        ) = one
        fresh, read, five, hour, day, heard, text, thought, spoken, searches = usage
        rare = day or heard or thought or spoken or searches or ttl or side or calls != 1
        if rare or told is not None or billed is not None or reported is not None:
            other.append((source, *one[:6], *usage, *one[7:13], user or seat, *one[14:], *price))
        else:
            plain.append(
                (
                    source,
                    reply,
                    part,
                    rank,
                    at_ns,
                    started_ns,
                    model,
                    fresh,
                    read,
                    five,
                    hour,
                    text,
                    tier,
                    region,
                    grade,
                    user or seat,
                    session,
                    project,
                    *price,
                )
            )
    return plain, other


def known_files(path: Path) -> dict[str, FileState]:
    """Return how far files were read, by path; empty when there is no store yet."""
    if not path.exists():
        return {}
    with closing(UsageStore(path)) as store:
        return store.files()


def found_of(row: Sequence[Any]) -> Found:
    """Return the record of a row of the table `usage`, as its log told it."""
    return Found._make((*row[1:7], Usage(*row[7:17]), *row[17:28], bool(row[28])))
