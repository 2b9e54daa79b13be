"""The nodes that are frozen now, as many as a page can show."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from headgate.identity.registry import FrozenNode
from headgate.identity.tables import freeze

FROZEN_MAX = 8


class Frozen(NamedTuple):
    """Nodes that may not spend now, the last one frozen first; `more`: there are others."""

    nodes: tuple[FrozenNode, ...]
    more: bool


def read_frozen(connection: Connection) -> Frozen:
    """Return the nodes that were frozen last."""
    newest = select(freeze).order_by(freeze.c.at_ns.desc(), freeze.c.node).limit(FROZEN_MAX + 1)
    found = [FrozenNode(row.node, row.at_ns, row.reason) for row in connection.execute(newest)]
    return Frozen(tuple(found[:FROZEN_MAX]), more=len(found) > FROZEN_MAX)
