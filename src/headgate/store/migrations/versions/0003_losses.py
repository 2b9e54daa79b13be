"""What an attempt lost in translation, and the dialect it was translated to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; of attempts that are folded already nothing is said."""
    op.add_column("attempt", sa.Column("via", sa.String(), nullable=True))
    op.add_column("attempt", sa.Column("lost", sa.Text(), nullable=False, server_default="[]"))
