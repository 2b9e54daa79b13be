"""Nodes that share a store, as they know of each other: who lives, who lacks money, who is gone.

All times are the database's. A node that is not heard of for `GIVEN_UP` is given up: what it was
lent and has neither posted nor held is shown as `unaccounted`, and stays counted as used. Nothing
comes back but by the node itself, once it is there again: its journals tell what it did.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Row, delete, func, select, text, update

from headgate.ledger.node_tables import node, node_lease, node_want
from headgate.ledger.store_pools import LENDING
from headgate.ledger.tables import journal
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock, upsert, write

CHANNEL = "headgate"
GIVEN_UP = text("interval '30 seconds'")
WANTED = text("interval '1 second'")


class News(NamedTuple):
    """What there is to know.

    Attributes:
        wanted: Windows that other nodes lack money of.
        changes: The number of the audit chain's last entry.
        came_back: Whether this node had been given up until now.
    """

    wanted: frozenset[str]
    changes: int
    came_back: bool


def beat(connection: Connection, own: str) -> bool:
    """Say that a node lives; returns whether it had been given up."""
    lives = upsert(node).values(id=own, beat=func.clock_timestamp(), given_up=False)
    lives = lives.on_conflict_do_update(
        index_elements=["id"], set_={"beat": func.clock_timestamp()}
    )
    if not connection.scalar(lives.returning(node.c.given_up)):
        return False
    _take_back(connection, own)
    return True


def look(connection: Connection, own: str, *, came_back: bool) -> News:
    """Return what others want and whether anything was changed."""
    wants = (node_want.c.node != own) & (node_want.c.until > func.clock_timestamp())
    wanted = frozenset(connection.scalars(select(node_want.c.window).where(wants)))
    changes = connection.scalar(select(func.max(audit.audit.c.seq))) or 0
    return News(wanted, changes, came_back)


def want(connection: Connection, own: str, windows: Collection[str]) -> None:
    """Ask the other nodes for what lies idle there of some windows."""
    until = func.clock_timestamp() + WANTED
    for each in windows:
        row = upsert(node_want).values(node=own, window=each, until=until)
        keys = ["node", "window"]
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"until": until}))
    tell(connection, own)


def tell(connection: Connection, own: str) -> None:
    """Let the other nodes look, once this transaction is committed."""
    connection.execute(select(func.pg_notify(CHANNEL, own)))


def idle_elsewhere(
    connection: Connection, own: str, windows: Collection[str]
) -> dict[str, tuple[int, int]]:
    """Return what nodes that live were lent of windows and have not posted; and what they hold."""
    lives = node_lease.join(node, (node.c.id == node_lease.c.node) & ~node.c.given_up)
    used = node_lease.c.posted_nanos + node_lease.c.lost_nanos
    spare = func.sum(func.greatest(0, node_lease.c.granted_nanos - used))
    held = func.sum(node_lease.c.held_nanos)
    query = select(node_lease.c.window, spare, held).select_from(lives)
    query = query.where(node_lease.c.node != own, node_lease.c.window.in_(windows))
    rows = connection.execute(query.group_by(node_lease.c.window))
    return {window: (int(granted), int(holds)) for window, granted, holds in rows}


def open_elsewhere(connection: Connection, own: str) -> set[str]:
    """Return the journals of other nodes that are not folded to their end."""
    there = (journal.c.node != own) & ~journal.c.ended
    return set(connection.scalars(select(journal.c.name).where(there)))


def give_up_the_silent(connection: Connection, own: str, at_ns: int) -> list[str]:
    """Give up nodes that were not heard of for long; returns their ids."""
    silent = (node.c.id != own) & ~node.c.given_up
    silent &= node.c.beat < func.clock_timestamp() - GIVEN_UP
    if not connection.scalars(select(node.c.id).where(silent)).all():
        return []
    hold_lock(connection, LENDING)
    gone = connection.scalars(
        update(node).where(silent).values(given_up=True).returning(node.c.id)
    ).all()
    for each in gone:
        lost = 0
        for row in _leases(connection, each):
            counted = row.posted_nanos + row.held_nanos + row.lost_nanos
            nanos = max(0, row.granted_nanos - counted)
            _lose(connection, row, nanos, nanos)
            lost += nanos
        detail = {"unaccounted_nanos": lost}
        audit.append(connection, Event("steward", "node.given_up", f"node:{each}", detail), at_ns)
    connection.execute(delete(node_want).where(node_want.c.node.in_(gone)))
    return list(gone)


def _take_back(connection: Connection, own: str) -> None:
    """Let a node that was given up have its leases as they were."""
    hold_lock(connection, LENDING)
    for row in _leases(connection, own):
        _lose(connection, row, -row.given_up_nanos, 0)
    connection.execute(update(node).where(node.c.id == own).values(given_up=False))


def _leases(connection: Connection, of: str) -> list[Row[tuple[str, ...]]]:
    rows = select(node_lease).where(node_lease.c.node == of).order_by(node_lease.c.window)
    return list(connection.execute(rows))


def _lose(connection: Connection, row: Row[tuple[str, ...]], nanos: int, given_up: int) -> None:
    if not nanos:
        return
    own = (node_lease.c.node == row.node) & (node_lease.c.window == row.window)
    connection.execute(update(node_lease).where(own).values(given_up_nanos=given_up))
    budget = row.window.partition("@")[0]
    write(connection, _UNACCOUNTED, [(row.window, budget, nanos)])


_UNACCOUNTED = """
INSERT INTO "window" ("window", budget, posted_nanos, held_nanos, unaccounted_nanos)
VALUES (?, ?, 0, 0, ?)
ON CONFLICT ("window") DO UPDATE SET
  unaccounted_nanos = "window".unaccounted_nanos + excluded.unaccounted_nanos
"""
