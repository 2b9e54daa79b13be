"""Leases in the store: what workers were lent, written down before they are told, and their end.

Each change happens in a transaction of the caller's, who gives the book up when that fails.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete

from headgate.ledger import tables
from headgate.ledger.book import LeaseBook
from headgate.ledger.line import Grant, Outcome
from headgate.store.dialect import upsert, write


class Lent(NamedTuple):
    """What came of those who wait for money, written down.

    Attributes:
        outcomes: Whose need was lent or refused.
        grants: What was lent, by journal and window.
    """

    outcomes: list[Outcome]
    grants: dict[str, dict[str, Grant]]


def keep(connection: Connection, book: LeaseBook, changed: Iterable[tuple[str, str]]) -> None:
    """Write down leases as they are in the book, by journal and window."""
    for journal, window in changed:
        lease = book.lease(journal, window)
        if lease is None:
            # It has ended meanwhile, and its row with it.
            continue
        granted = lease.granted_nanos
        row = upsert(tables.lease).values(
            journal=journal, window=window, granted_nanos=granted, posted_nanos=0, held_nanos=0
        )
        keys, changes = ["journal", "window"], {"granted_nanos": granted}
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_=changes))


def close(
    connection: Connection, book: LeaseBook, journal: str, *, trusted: bool
) -> list[tuple[str, int]]:
    """End the leases of a journal that is complete.

    Args:
        connection: A transaction.
        book: What is lent.
        journal: The worker's epoch.
        trusted: Whether the journal is known to be whole; see `LeaseBook.close`.

    Returns:
        What became unaccounted, by window.
    """
    losses = []
    for window, account in book.windows.items():
        if journal not in account.leases:
            continue
        lost = book.close(journal, window, trusted=trusted)
        if lost:
            write(connection, _LOSE, [(window, window.partition("@")[0], lost)])
            losses.append((window, lost))
    connection.execute(delete(tables.lease).where(tables.lease.c.journal == journal))
    return losses


def end(connection: Connection, book: LeaseBook, journal: str, window: str) -> None:
    """End one lease of a journal that goes on: nothing of it is held, and all is folded."""
    book.close(journal, window, trusted=True)
    ended = (tables.lease.c.journal == journal) & (tables.lease.c.window == window)
    connection.execute(delete(tables.lease).where(ended))


_LOSE = """
INSERT INTO "window" ("window", budget, posted_nanos, held_nanos, unaccounted_nanos)
VALUES (?, ?, 0, 0, ?)
ON CONFLICT ("window") DO UPDATE SET
  unaccounted_nanos = "window".unaccounted_nanos + excluded.unaccounted_nanos
"""
