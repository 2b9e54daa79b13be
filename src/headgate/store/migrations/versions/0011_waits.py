"""The class of an attempt's call, and how long it waited for a place."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns; attempts that are folded already were of no class and are taken as usual."""
    op.add_column(
        "attempt",
        sa.Column("priority", sa.String(), nullable=False, server_default="interactive"),
    )
    op.add_column(
        "attempt", sa.Column("waited_us", sa.BigInteger(), nullable=False, server_default="0")
    )
