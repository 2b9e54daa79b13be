"""What an attempt lost in translation."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; of attempts that are folded already nothing is said."""
    op.add_column("attempt", sa.Column("lost", sa.Text(), nullable=False, server_default="[]"))
