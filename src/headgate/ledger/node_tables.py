"""The tables of nodes that share a store: who they are, what each was lent, what is left to lend.

They are empty where a node has its store for itself.
"""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, String, Table

from headgate.store.schema import METADATA

node = Table(
    "node",
    METADATA,
    Column("id", String, primary_key=True),
    Column("beat", DateTime(timezone=True), nullable=False),
    Column("given_up", Boolean, nullable=False),
)
"""Every node, when it was last heard of by the database's clock, and whether it is given up."""

node_lease = Table(
    "node_lease",
    METADATA,
    Column("node", String, primary_key=True),
    Column("window", String, primary_key=True),
    Column("granted_nanos", BigInteger, nullable=False),
    Column("posted_nanos", BigInteger, nullable=False),
    Column("held_nanos", BigInteger, nullable=False),
    Column("lost_nanos", BigInteger, nullable=False),
    Column("given_up_nanos", BigInteger, nullable=False),
)
"""What a node was lent of a window (cumulative, less what it gave back), what its journals say of
it, what a power cut took sight of, and what is counted as unaccounted while it is given up."""

pool = Table(
    "pool",
    METADATA,
    Column("window", String, primary_key=True),
    Column("counted_nanos", BigInteger, nullable=False),
    Column("carved_nanos", BigInteger, nullable=False),
)
"""What is used of a window by all nodes: the sum of what counts of each node's lease, and what the
allotments carved from it claim. The rest of the limit can be lent."""

node_want = Table(
    "node_want",
    METADATA,
    Column("node", String, primary_key=True),
    Column("window", String, primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
)
"""Which node lacks money of which window: others give back what lies idle there."""

shared_value = Table(
    "shared_value",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""What all nodes have in common: the pepper of the keys."""
