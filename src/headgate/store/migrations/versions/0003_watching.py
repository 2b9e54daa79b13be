"""What budgets spend over time, their alarms, and how far each webhook has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "spend_sample",
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("posted_nanos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("window", "at_ns"),
    )
    op.create_table(
        "alarm",
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("window"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("told_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
