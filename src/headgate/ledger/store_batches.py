"""Batches and files in the store: whose they are, how far they are.

All functions that change something do so as part of the caller's transaction.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from headgate.ledger.batch_tables import batch as table
from headgate.ledger.batch_tables import stored_file
from headgate.records.batch import Batch, StoredFile

LOCK = "batches"
"""What whoever changes a batch holds, at whatever node."""

_encode = msgspec.json.Encoder().encode
_batch = msgspec.json.Decoder(Batch).decode
_file = msgspec.json.Decoder(StoredFile).decode


class Page(NamedTuple):
    """Which of one's own are wanted: so many, behind the one with an id."""

    limit: int
    after: str | None = None


def keep_batch(connection: Connection, batch: Batch) -> None:
    """Keep a new batch; one that is kept already stays as it is."""
    if find_batch(connection, batch.id) is None:
        connection.execute(
            insert(table).values(
                id=batch.id,
                principal=batch.principal,
                wire=batch.wire,
                node=batch.node,
                stage=batch.stage,
                created_ns=batch.created_ns,
                record=_encode(batch).decode(),
            )
        )


def change_batch(connection: Connection, batch: Batch) -> None:
    """Keep what became of a batch."""
    this = table.c.id == batch.id
    connection.execute(
        update(table).where(this).values(stage=batch.stage, record=_encode(batch).decode())
    )


def forget_batch(connection: Connection, batch: str) -> None:
    """Forget a batch; its lines stay in the books."""
    connection.execute(delete(table).where(table.c.id == batch))


def find_batch(connection: Connection, batch: str) -> Batch | None:
    """Return a batch, whosever it is; None when there is none."""
    record = connection.scalar(select(table.c.record).where(table.c.id == batch))
    return None if record is None else _batch(record)


def open_batches(connection: Connection, node: str) -> list[Batch]:
    """Return the batches of a node that are not in the books yet, the oldest first."""
    query = select(table.c.record).where(table.c.stage != "settled", table.c.node == node)
    return [_batch(record) for record in connection.scalars(query.order_by(table.c.created_ns))]


def list_batches(connection: Connection, principal: str, wire: str, page: Page) -> list[Batch]:
    """Return one's own batches of a wire, the newest first; one more than asked for if there is."""
    query = select(table.c.record).where(table.c.principal == principal, table.c.wire == wire)
    if page.after is not None:
        # An id of somebody else's is as unknown as what is not.
        this = (table.c.id == page.after, table.c.principal == principal)
        after = select(table.c.created_ns).where(*this).scalar_subquery()
        query = query.where(table.c.created_ns < after)
    query = query.order_by(table.c.created_ns.desc()).limit(page.limit + 1)
    return [_batch(record) for record in connection.scalars(query)]


def keep_file(connection: Connection, file: StoredFile) -> None:
    """Keep a new file; one that is kept already stays as it is."""
    if find_file(connection, file.id) is None:
        connection.execute(
            insert(stored_file).values(
                id=file.id,
                principal=file.principal,
                node=file.node,
                size=file.size,
                created_ns=file.created_ns,
                expires_ns=file.expires_ns,
                record=_encode(file).decode(),
            )
        )


def find_file(connection: Connection, file: str) -> StoredFile | None:
    """Return a file, whosever it is; None when there is none."""
    record = connection.scalar(select(stored_file.c.record).where(stored_file.c.id == file))
    return None if record is None else _file(record)


def list_files(connection: Connection, principal: str, page: Page, now_ns: int) -> list[StoredFile]:
    """Return one's own files, the newest first; one more than asked for if there is."""
    query = select(stored_file.c.record).where(stored_file.c.principal == principal)
    query = query.where(stored_file.c.expires_ns > now_ns)
    if page.after is not None:
        this = (stored_file.c.id == page.after, stored_file.c.principal == principal)
        after = select(stored_file.c.created_ns).where(*this).scalar_subquery()
        query = query.where(stored_file.c.created_ns < after)
    query = query.order_by(stored_file.c.created_ns.desc()).limit(page.limit + 1)
    return [_file(record) for record in connection.scalars(query)]


def forget_file(connection: Connection, file: str) -> None:
    """Forget a file; whoever has its bytes deletes them."""
    connection.execute(delete(stored_file).where(stored_file.c.id == file))


def bytes_of(connection: Connection, principal: str) -> int:
    """Return what all files of a principal have together."""
    sizes = select(func.coalesce(func.sum(stored_file.c.size), 0))
    return int(connection.scalar(sizes.where(stored_file.c.principal == principal)) or 0)


def files_over(connection: Connection, node: str, now_ns: int) -> Sequence[str]:
    """Return the files of a node whose time is over."""
    over = select(stored_file.c.id)
    over = over.where(stored_file.c.node == node, stored_file.c.expires_ns <= now_ns)
    return connection.scalars(over).all()
