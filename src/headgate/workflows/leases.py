"""Which nodes live: one row each, renewed by the database's clock, taken by compare-and-swap.

A node is a name and an epoch. Whoever starts under a name, and whoever finds it silent, counts
its epoch up: the one before has lost it for good, even if it was only asleep, and sees so at its
next renewal. Work of an epoch that is not the current one may be taken over.
"""

from typing import NamedTuple

from sqlalchemy import Engine, text

_NOW = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
}
_CREATE = """
CREATE TABLE IF NOT EXISTS headgate_node (
  node VARCHAR(64) PRIMARY KEY, epoch INTEGER NOT NULL, seen_ms BIGINT NOT NULL
)
"""
_START = """
INSERT INTO headgate_node (node, epoch, seen_ms) VALUES (:node, 1, {now})
ON CONFLICT (node) DO UPDATE SET epoch = headgate_node.epoch + 1, seen_ms = {now}
"""
_EPOCH = "SELECT epoch FROM headgate_node WHERE node = :node"
_RENEW = "UPDATE headgate_node SET seen_ms = {now} WHERE node = :node AND epoch = :epoch"
_SILENT = """
SELECT node, epoch FROM headgate_node
WHERE seen_ms > 0 AND seen_ms < {now} - :ttl_ms AND node <> :node
"""
_FENCE = """
UPDATE headgate_node SET epoch = epoch + 1, seen_ms = 0
WHERE node = :node AND epoch = :epoch AND seen_ms < {now} - :ttl_ms
"""
_LIVING = "SELECT node, epoch FROM headgate_node WHERE seen_ms > 0"


class Lease(NamedTuple):
    """A node in one of its lives; written `NODE-EPOCH`."""

    node: str
    epoch: int

    def __str__(self) -> str:
        return f"{self.node}-{self.epoch}"


class Leases:
    """The table of nodes, in the database of the engine."""

    def __init__(self, engine: Engine, ttl_ms: int) -> None:
        now = _NOW[engine.dialect.name]
        self._engine = engine
        self._ttl_ms = ttl_ms
        self._start, self._renew, self._silent, self._fence = (
            text(each.replace("{now}", now)) for each in (_START, _RENEW, _SILENT, _FENCE)
        )
        with engine.begin() as connection:
            connection.execute(text(_CREATE))

    def start(self, node: str) -> Lease:
        """Begin a node's next life."""
        with self._engine.begin() as connection:
            connection.execute(self._start, {"node": node})
            epoch = connection.scalar(text(_EPOCH), {"node": node})
            assert isinstance(epoch, int)
            return Lease(node, epoch)

    def renew(self, lease: Lease) -> bool:
        """Say that a node lives; False when its life was taken from it."""
        with self._engine.begin() as connection:
            return connection.execute(self._renew, lease._asdict()).rowcount == 1

    def fence(self, own: Lease) -> list[Lease]:
        """End the lives of nodes that have been silent too long; return those that this ended."""
        bounds = {"ttl_ms": self._ttl_ms}
        with self._engine.connect() as connection:
            silent = connection.execute(self._silent, {"node": own.node, **bounds})
            found = [Lease(row.node, row.epoch) for row in silent]
        ended = []
        for lease in found:
            with self._engine.begin() as connection:
                values = {**lease._asdict(), **bounds}
                if connection.execute(self._fence, values).rowcount == 1:
                    ended.append(lease)
        return ended

    def current(self) -> set[str]:
        """Return the lives that go on, as they are written."""
        with self._engine.connect() as connection:
            return {str(Lease(row.node, row.epoch)) for row in connection.execute(text(_LIVING))}
