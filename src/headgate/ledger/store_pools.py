"""What may still be lent to nodes: the store's own accounts, which all nodes share.

At every committed state, for every window: what counts of each node's lease + what allotments
claim <= limit, and what counts is what a node was lent, used or not, or more where providers billed
beyond. Whoever changes an account holds the lock `LENDING` until its transaction ends.
"""

from collections.abc import Callable
from typing import NamedTuple

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


class Pools:
    """The accounts of all windows, in the store.

    Args:
        allotment_of: Returns the allotment that a window is, None for a budget's.
    """

    def __init__(self, allotment_of: Callable[[str], Allotment | None]) -> None:
        self._allotment_of = allotment_of

    def free_nanos(self, connection: Connection, window: str, limit_nanos: int) -> int:
        """Return what may be lent of a window; negative when its limit was lowered."""
        if self._allotment_of(window) is not None and _has_ended(connection, window):
            return 0
        row = connection.execute(select(pool).where(pool.c.window == window)).one_or_none()
        used = 0 if row is None else row.counted_nanos + row.carved_nanos
        return limit_nanos - used

    def use(
        self, connection: Connection, window: str, *, counted_nanos: int = 0, carved_nanos: int = 0
    ) -> None:
        """Use more of a window, or less; what that claims above it follows."""
        before, after = self._change(connection, window, counted_nanos, carved_nanos)
        allotment = self._allotment_of(window)
        if allotment is not None:
            amount = 0 if _has_ended(connection, window) else allotment.amount_nanos
            claimed = max(amount, after.used_nanos) - max(amount, before.used_nanos)
            self._claim(connection, allotment, claimed)

    def carve(self, connection: Connection, allotment: Allotment) -> None:
        """Let a new allotment claim its amount; something may have been used of its window."""
        _, now = self._change(connection, allotment.window, 0, 0)
        self._claim(connection, allotment, max(allotment.amount_nanos, now.used_nanos))

    def end(self, connection: Connection, allotment: Allotment) -> None:
        """Let an allotment that has ended claim what is used of it."""
        _, now = self._change(connection, allotment.window, 0, 0)
        unused = max(0, allotment.amount_nanos - now.used_nanos)
        self._claim(connection, allotment, -unused)

    def _claim(self, connection: Connection, allotment: Allotment, nanos: int) -> None:
        for parent in allotment.parents if nanos else ():
            self.use(connection, parent, carved_nanos=nanos)

    def _change(
        self, connection: Connection, window: str, counted: int, carved: int
    ) -> tuple[Pool, Pool]:
        hold_lock(connection, LENDING)
        statement = positional(_CHANGE, connection.dialect.name)
        row = connection.exec_driver_sql(statement, (window, counted, carved)).one()
        after = Pool(*row)
        return Pool(after.counted_nanos - counted, after.carved_nanos - carved), after


def _has_ended(connection: Connection, window: str) -> bool:
    ended = select(allotment_table.c.ended_ns).where(allotment_table.c.window == window)
    return connection.scalar(ended) is not None


_CHANGE = """
INSERT INTO pool ("window", counted_nanos, carved_nanos) VALUES (?, ?, ?)
ON CONFLICT ("window") DO UPDATE SET
  counted_nanos = pool.counted_nanos + excluded.counted_nanos,
  carved_nanos = pool.carved_nanos + excluded.carved_nanos
RETURNING counted_nanos, carved_nanos
"""
