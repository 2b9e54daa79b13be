"""What all nodes have used of the windows that count in the limits of others, as this one saw it.

A rolling budget's limit depends on the slots before, one that carries over on the period before.
What is borrowed is decided by a look in the transaction that borrows, under the lock `LENDING`.
"""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, select

from headgate.ledger.node_tables import pool


class Beside:
    """What is used of windows, by whichever node.

    Attributes:
        of: The other windows whose use counts in the limit of one.
    """

    def __init__(self) -> None:
        self.of: Callable[[str], Sequence[str]] = lambda _window: ()
        self._used: dict[str, int] = {}

    def look(self, connection: Connection, windows: Collection[str]) -> None:
        """See what is used of some windows now."""
        if not windows:
            return
        for window in windows:
            self._used.pop(window, None)
        for row in connection.execute(select(pool).where(pool.c.window.in_(windows))):
            self._used[row.window] = row.counted_nanos + row.carved_nanos

    def used(self, window: str) -> int:
        """Return what was used of a window when it was last looked at; 0 if it never was."""
        return self._used.get(window, 0)
