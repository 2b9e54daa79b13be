"""What may still be lent to nodes: the store's own accounts, which all nodes share.

At every committed state, for every window: what counts of each node's lease + what allotments
claim <= limit, and what counts is what a node was lent, used or not, or more where providers billed
beyond. Whoever changes an account holds the lock `LENDING` until its transaction ends.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from headgate.ledger.allotments import Allotment
from headgate.ledger.node_tables import pool
from headgate.ledger.tables import allotment as allotment_table
from headgate.store.dialect import hold_lock, positional

LENDING = "lending"


class Pool(NamedTuple):
    """What is used of a window."""

    counted_nanos: int = 0
    carved_nanos: int = 0

    @property
    def used_nanos(self) -> int:
        """What cannot be lent."""
        return self.counted_nanos + self.carved_nanos


class Claim(NamedTuple):
    """What an allotment takes from each window it is carved from."""

    nanos: int
    parents: tuple[str, ...]


class _Stored(NamedTuple):
    """An allotment as it is in the store."""

    amount_nanos: int
    parents: tuple[str, ...]
    ended: bool

    def claims(self, used_nanos: int) -> int:
        """Return what it takes from what is above it."""
        return used_nanos if self.ended else max(self.amount_nanos, used_nanos)


class Pools:
    """The accounts of all windows, in the store.

    Args:
        allotment_of: Returns the allotment that a window is, None for a budget's.
    """

    def __init__(self, allotment_of: Callable[[str], Allotment | None]) -> None:
        self._allotment_of = allotment_of

    def free_nanos(self, connection: Connection, window: str, limit_nanos: int) -> int:
        """Return what may be lent of a window; negative when its limit was lowered.

        Args:
            connection: To the store.
            window: Any.
            limit_nanos: Of a budget's window; an allotment's amount is what the store says.
        """
        if self._allotment_of(window) is not None:
            own = _stored(connection, window)
            assert own is not None, window
            if own.ended:
                return 0
            limit_nanos = own.amount_nanos
        row = connection.execute(select(pool).where(pool.c.window == window)).one_or_none()
        used = 0 if row is None else row.counted_nanos + row.carved_nanos
        return limit_nanos - used

    def use(
        self, connection: Connection, window: str, *, counted_nanos: int = 0, carved_nanos: int = 0
    ) -> None:
        """Use more of a window, or less; what that claims above it follows."""
        before, after = self._change(connection, window, counted_nanos, carved_nanos)
        if self._allotment_of(window) is not None:
            own = _stored(connection, window)
            assert own is not None, window
            claimed = own.claims(after.used_nanos) - own.claims(before.used_nanos)
            self._claim(connection, own.parents, claimed)

    def carve(self, connection: Connection, allotment: Allotment) -> None:
        """Let a new allotment claim its amount; something may have been used of its window."""
        _, now = self._change(connection, allotment.window, 0, 0)
        self._claim(connection, allotment.parents, max(allotment.amount_nanos, now.used_nanos))

    def claim_of(self, connection: Connection, window: str) -> Claim | None:
        """Return what an allotment claims as it is in the store, None for one that is not there."""
        own = _stored(connection, window)
        if own is None:
            return None
        _, now = self._change(connection, window, 0, 0)
        return Claim(own.claims(now.used_nanos), own.parents)

    def give_up(self, connection: Connection, claim: Claim) -> None:
        """Let an allotment claim nothing any more; another claim takes the place of that."""
        self._claim(connection, claim.parents, -claim.nanos)

    def keep_used(self, connection: Connection, window: str) -> None:
        """Let an allotment that is about to end claim what is used of it."""
        claim = self.claim_of(connection, window)
        assert claim is not None, window
        _, now = self._change(connection, window, 0, 0)
        self._claim(connection, claim.parents, now.used_nanos - claim.nanos)

    def _claim(self, connection: Connection, parents: Sequence[str], nanos: int) -> None:
        for parent in parents if nanos else ():
            self.use(connection, parent, carved_nanos=nanos)

    def _change(
        self, connection: Connection, window: str, counted: int, carved: int
    ) -> tuple[Pool, Pool]:
        hold_lock(connection, LENDING)
        statement = positional(_CHANGE, connection.dialect.name)
        row = connection.exec_driver_sql(statement, (window, counted, carved)).one()
        after = Pool(*row)
        return Pool(after.counted_nanos - counted, after.carved_nanos - carved), after


def _stored(connection: Connection, window: str) -> _Stored | None:
    """Return an allotment as it is in the store: what another node has changed counts."""
    columns = allotment_table.c
    own = select(columns.amount_nanos, columns.parents, columns.ended_ns)
    row = connection.execute(own.where(columns.window == window)).one_or_none()
    if row is None:
        return None
    parents = msgspec.json.decode(row.parents, type=tuple[str, ...])
    return _Stored(row.amount_nanos, parents, row.ended_ns is not None)


_CHANGE = """
INSERT INTO pool ("window", counted_nanos, carved_nanos) VALUES (?, ?, ?)
ON CONFLICT ("window") DO UPDATE SET
  counted_nanos = pool.counted_nanos + excluded.counted_nanos,
  carved_nanos = pool.carved_nanos + excluded.carved_nanos
RETURNING counted_nanos, carved_nanos
"""
