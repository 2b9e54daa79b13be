"""The audit chain: who changed what, each entry bound to the one before by its hash.

Entries are appended in the transaction that makes the change, so there is no change without its
entry, and no entry without its change. Each carries the SHA-256 of the hash before it and of
its own content, so that whoever alters, removes or inserts an entry breaks every later hash.
What is cut off at the end shows against a head that was noted elsewhere (`verify --head`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, Text, insert, select
from sqlalchemy.engine import RowMapping

from headgate.store.dialect import hold_lock
from headgate.store.schema import METADATA

audit = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", String, nullable=False),
)
"""One row per change; rows are only ever added."""

GENESIS = "0" * 64
"""What stands before the first entry."""

Detail = Mapping[str, str | int | None]
NONE: Detail = MappingProxyType({})


class Event(NamedTuple):
    """A change that is told to the chain.

    Attributes:
        actor: Who made it: `user:NAME` of the operating system, `principal:ID`, `steward`.
        action: What was done: `node.frozen`, `key.created` ...
        subject: To what: a node, a key, a request.
        detail: What else matters; never a secret, never a prompt.
    """

    actor: str
    action: str
    subject: str
    detail: Detail = NONE


class Entry(Struct, frozen=True):
    """An entry of the chain; `detail` is JSON text, `hash` hexadecimal."""

    seq: int
    at_ns: int
    actor: str
    action: str
    subject: str
    detail: str
    hash: str


class Verdict(NamedTuple):
    """What was found of a chain.

    Attributes:
        entries: How many were looked at.
        head: Hash of the last good entry, `GENESIS` when there is none.
        broken_at: Number of the first entry that does not fit, None when all do.
    """

    entries: int
    head: str
    broken_at: int | None


def append(connection: Connection, event: Event, at_ns: int) -> Entry:
    """Add an entry, as part of the caller's transaction."""
    hold_lock(connection, "audit")
    last = connection.execute(select(audit).order_by(audit.c.seq.desc()).limit(1)).mappings()
    before = last.first()
    detail = msgspec.json.encode(dict(event.detail), order="sorted").decode()
    entry = Entry(
        seq=1 if before is None else before["seq"] + 1,
        at_ns=at_ns,
        actor=event.actor,
        action=event.action,
        subject=event.subject,
        detail=detail,
        hash="",
    )
    previous = GENESIS if before is None else before["hash"]
    entry = msgspec.structs.replace(entry, hash=hash_of(entry, previous))
    connection.execute(insert(audit).values(msgspec.structs.asdict(entry)))
    return entry


def hash_of(entry: Entry, previous: str) -> str:
    """Return what an entry's hash has to be: over the JSON array of its content and `previous`."""
    content = (
        *(previous, entry.seq, entry.at_ns, entry.actor),
        *(entry.action, entry.subject, entry.detail),
    )
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def entries(connection: Connection, *, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """Return entries behind a number, oldest first."""
    rows = connection.execute(
        select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    )
    return (_entry(row) for row in rows.mappings())


def newest(connection: Connection, limit: int) -> list[Entry]:
    """Return the last entries, newest first."""
    rows = connection.execute(select(audit).order_by(audit.c.seq.desc()).limit(limit)).mappings()
    return [_entry(row) for row in rows]


def verify(connection: Connection) -> Verdict:
    """Recompute every hash from the first entry on; stops where one does not fit."""
    head, count = GENESIS, 0
    for entry in entries(connection):
        if entry.seq != count + 1 or entry.hash != hash_of(entry, head):
            return Verdict(count, head, count + 1)
        head, count = entry.hash, count + 1
    return Verdict(count, head, None)


def hash_at(connection: Connection, seq: int) -> str | None:
    """Return the hash of an entry, None when there is no such entry."""
    found: str | None = connection.scalar(select(audit.c.hash).where(audit.c.seq == seq))
    return found


def _entry(row: RowMapping) -> Entry:
    return Entry(**row)
