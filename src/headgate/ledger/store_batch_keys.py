"""Idempotency keys under which batches were made: which batch has which.

All functions that change something do so as part of the caller's transaction.
"""

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from headgate.ledger.batch_tables import batch, batch_key
from headgate.ledger.tables import allotment
from headgate.records.batch import Batch


class KeyOfBatch(NamedTuple):
    """A key that a batch was made under.

    Attributes:
        fingerprint: Of what was asked for.
        batch: Its id; there may be no such batch any more.
        at_ns: When it was made.
    """

    principal: str
    key: str
    fingerprint: str
    batch: str
    at_ns: int


def keep_key(connection: Connection, key: KeyOfBatch) -> None:
    """Keep a key that nobody has."""
    connection.execute(insert(batch_key).values(key._asdict()))


def find_key(connection: Connection, principal: str, key: str) -> KeyOfBatch | None:
    """Return what became of a principal's key, None when it is free."""
    mine = (batch_key.c.principal == principal, batch_key.c.key == key)
    row = connection.execute(select(batch_key).where(*mine)).one_or_none()
    return None if row is None else KeyOfBatch(*row)


def count_keys(connection: Connection, principal: str) -> int:
    """Return how many keys of a principal are remembered."""
    owned = select(func.count()).where(batch_key.c.principal == principal)
    return connection.scalar(owned) or 0


def free_key(connection: Connection, made: str) -> None:
    """Forget the key of a batch that never came to be."""
    connection.execute(delete(batch_key).where(batch_key.c.batch == made))


def forget_keys(connection: Connection, before_ns: int) -> None:
    """Forget the keys that are older than an instant; those of batches under way stay."""
    running = select(batch.c.id).where(batch.c.id == batch_key.c.batch, batch.c.stage != "settled")
    connection.execute(delete(batch_key).where(batch_key.c.at_ns <= before_ns, ~running.exists()))


def is_held(connection: Connection, made: Batch) -> bool:
    """Tell whether the money of a batch was ever carved, at whatever node."""
    carved = select(allotment.c.window).where(allotment.c.window == made.window)
    return connection.scalar(carved) is not None
