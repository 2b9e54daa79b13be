"""Hours that are rolled up, and what they come to."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "rolled_hour",
        sa.Column("hour_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("building", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("hour_ns"),
    )
    op.create_table(
        "rollup",
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("hour_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("spend_nanos", sa.BigInteger(), nullable=False),
        sa.Column("estimated_calls", sa.Integer(), nullable=False),
        sa.Column("estimated_nanos", sa.BigInteger(), nullable=False),
        sa.Column("unknown_calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("side", "hour_ns", "name"),
    )
