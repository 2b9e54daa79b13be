"""Checking what nodes that share a store have of it: their leases, and what is left to lend."""

from collections.abc import Iterator

from sqlalchemy import Connection, case, func, select

from headgate.ledger.fold import Movement
from headgate.ledger.node_tables import node_lease, pool
from headgate.ledger.store_allotments import from_below, kept
from headgate.ledger.tables import adjustment, journal, window


def of_node(connection: Connection, node: str) -> dict[str, Movement]:
    """Return what a node has held and posted, by window."""
    rows = connection.execute(select(node_lease).where(node_lease.c.node == node))
    return {row.window: Movement(row.held_nanos, row.posted_nanos) for row in rows}


def of_store(connection: Connection) -> dict[str, Movement]:
    """Return what is held and posted of each window."""
    rows = connection.execute(select(window))
    return {row.window: Movement(row.held_nanos, row.posted_nanos) for row in rows}


def adjusted_elsewhere(connection: Connection, node: str) -> set[str]:
    """Return the corrections that were folded from journals of other nodes, by id."""
    other = adjustment.join(journal, journal.c.name == adjustment.c.journal)
    query = select(adjustment.c.id).select_from(other).where(journal.c.node != node)
    return set(connection.scalars(query))


def shared_problems(connection: Connection) -> Iterator[str]:
    """Yield what nodes, windows and pools do not have alike; nothing where a node is alone."""
    columns = node_lease.c
    posted, held = func.sum(columns.posted_nanos), func.sum(columns.held_nanos)
    used = columns.posted_nanos + columns.lost_nanos
    # Of two numbers the greater one, as a copy of the store in SQLite knows to say it, too.
    counted = func.sum(case((columns.granted_nanos > used, columns.granted_nanos), else_=used))
    rows = select(columns.window, posted, held, counted).group_by(columns.window)
    leases = {name: sums for name, *sums in connection.execute(rows)}
    windows = of_store(connection)
    for name in sorted({*leases, *windows}):
        stored = windows.get(name, Movement())
        if leases.get(name, [0, 0, 0])[:2] != [stored.posted_nanos, stored.held_nanos]:
            yield f"The leases of the nodes do not sum up to the window {name}."
    pools = {row.window: row for row in connection.execute(select(pool))}
    claims = _claims(connection, {name: row.counted_nanos for name, row in pools.items()})
    for name in sorted({*leases, *pools}):
        found = pools.get(name)
        has = (0, 0) if found is None else (found.counted_nanos, found.carved_nanos)
        if has != (leases.get(name, [0, 0, 0])[2], claims.get(name, 0)):
            yield f"What is counted as used of {name} is not what its leases and allotments claim."


def _claims(connection: Connection, counted: dict[str, int]) -> dict[str, int]:
    """Return what allotments claim of the windows above them."""
    claims: dict[str, int] = {}
    for own, ended_ns, _ in from_below(kept(connection)):
        used = counted.get(own.window, 0) + claims.get(own.window, 0)
        claim = max(own.amount_nanos, used) if ended_ns is None else used
        for parent in own.parents:
            claims[parent] = claims.get(parent, 0) + claim
    return claims
