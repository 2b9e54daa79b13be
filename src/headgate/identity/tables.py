"""Identity's tables: keys made at run time, and what was revoked, and nodes that are frozen."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from headgate.store.schema import METADATA

credential = Table(
    "credential",
    METADATA,
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("models", Text, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
    Column("root", String),
    Column("until_ns", BigInteger),
)
"""Keys made by `headgate keys create`; `digest` is the keyed hash, the key itself is not kept.

`root` is the public half of the pair that signs its delegations; a key made before there were any
has none. `until_ns` is when the key ends, none for never.
"""

revocation = Table(
    "revocation",
    METADATA,
    Column("delegation", String, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
)
"""Delegations that were revoked, by their ids."""

freeze = Table(
    "freeze",
    METADATA,
    Column("node", String, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Nodes that may not spend now."""
