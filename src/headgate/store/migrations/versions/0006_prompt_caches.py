"""What prompt caches did for each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("attempt", sa.Column("cache", sa.Text(), nullable=True))
