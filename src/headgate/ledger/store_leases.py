"""Leases in the store: what workers were lent, written down before they are told, and their end.

Each change happens in a transaction of the caller's, who gives the book up when that fails.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert as upsert

from headgate.ledger import tables
from headgate.ledger.book import LeaseBook


def keep(connection: Connection, book: LeaseBook, changed: Iterable[tuple[str, str]]) -> None:
    """Write down leases as they are in the book, by journal and window."""
    for journal, window in changed:
        lease = book.windows[window].leases.get(journal)
        if lease is None:
            # It has ended meanwhile, and its row with it.
            continue
        granted = lease.granted_nanos
        row = upsert(tables.lease).values(
            journal=journal, window=window, granted_nanos=granted, posted_nanos=0, held_nanos=0
        )
        keys = ["journal", "window"]
        connection.execute(row.on_conflict_do_update(keys, set_={"granted_nanos": granted}))


def close(connection: Connection, book: LeaseBook, journal: str, *, trusted: bool) -> None:
    """End the leases of a journal that is complete.

    Args:
        connection: A transaction.
        book: What is lent.
        journal: The worker's epoch.
        trusted: Whether the journal is known to be whole; see `LeaseBook.close`.
    """
    for window, account in book.windows.items():
        if journal not in account.leases:
            continue
        lost = book.close(journal, window, trusted=trusted)
        if lost:
            connection.exec_driver_sql(_LOSE, (window, window.partition("@")[0], lost))
    connection.execute(delete(tables.lease).where(tables.lease.c.journal == journal))


def end(connection: Connection, book: LeaseBook, journal: str, window: str) -> None:
    """End one lease of a journal that goes on: nothing of it is held, and all is folded."""
    book.close(journal, window, trusted=True)
    ended = (tables.lease.c.journal == journal) & (tables.lease.c.window == window)
    connection.execute(delete(tables.lease).where(ended))


_LOSE = """
INSERT INTO window (window, budget, posted_nanos, held_nanos, unaccounted_nanos)
VALUES (?, ?, 0, 0, ?)
ON CONFLICT (window) DO UPDATE SET
  unaccounted_nanos = unaccounted_nanos + excluded.unaccounted_nanos
"""
