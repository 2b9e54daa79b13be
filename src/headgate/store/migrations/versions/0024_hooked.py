"""What trackers' messages are known by."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "hooked",
        sa.Column("hook", sa.String(), primary_key=True),
        sa.Column("mark", sa.String(), primary_key=True),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
    )
    op.create_index("hooked_by_time", "hooked", ["at_ns"])
