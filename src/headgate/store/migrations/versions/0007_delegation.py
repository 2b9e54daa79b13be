"""Delegations: roots of keys, what was revoked, allotments, and who called through which chain."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add what delegations need; keys from before have no root and make none."""
    for table in ("caller", "refusal"):
        op.add_column(table, sa.Column("chain", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("credential", sa.Column("root", sa.String(), nullable=True))
    op.create_table(
        "revocation",
        sa.Column("delegation", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delegation"),
    )
    op.create_table(
        "allotment",
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("until_ns", sa.BigInteger(), nullable=True),
        sa.Column("carved_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("window"),
    )
