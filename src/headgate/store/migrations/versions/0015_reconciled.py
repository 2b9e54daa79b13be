"""What comparing the books with providers' reports found."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "reconciled",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("booked_nanos", sa.BigInteger(), nullable=False),
        sa.Column("told_nanos", sa.BigInteger(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("told_calls", sa.Integer(), nullable=True),
        sa.Column("checked_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "day"),
    )
