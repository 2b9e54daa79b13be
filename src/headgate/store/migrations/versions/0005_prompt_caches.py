"""What prompt caches did for each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("attempt", sa.Column("cache", sa.Text(), nullable=True))
