"""The tags of callers, what shadow limits would have refused, and the limits periods had."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the columns and tables; callers that are known already had no tags."""
    for name in ("tags", "waived"):
        op.add_column("caller", sa.Column(name, sa.Text(), nullable=False, server_default="[]"))
    op.create_table(
        "shadow",
        sa.Column("window", sa.String(), primary_key=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("amount_nanos", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "budget_period",
        sa.Column("window", sa.String(), primary_key=True),
        sa.Column("limit_nanos", sa.BigInteger(), nullable=False),
    )
    # Hours that were rolled up before have no sums by tag: they are rolled up again.
    op.execute("DELETE FROM rolled_hour")
