"""Nodes that share a store."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the tables; journals of before are of the one node there was."""
    op.add_column("journal", sa.Column("node", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "node",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("beat", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "node_lease",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("granted_nanos", sa.BigInteger(), nullable=False),
        sa.Column("posted_nanos", sa.BigInteger(), nullable=False),
        sa.Column("held_nanos", sa.BigInteger(), nullable=False),
        sa.Column("lost_nanos", sa.BigInteger(), nullable=False),
        sa.Column("given_up_nanos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "window"),
    )
    op.create_table(
        "pool",
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("counted_nanos", sa.BigInteger(), nullable=False),
        sa.Column("carved_nanos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("window"),
    )
    op.create_table(
        "node_want",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("node", "window"),
    )
    op.create_table(
        "shared_value",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("reference_block")))
