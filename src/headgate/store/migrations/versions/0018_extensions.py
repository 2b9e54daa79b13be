"""How the hold of an attempt was sized, and how often it was extended."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the columns; what is folded already was held whole, once."""
    op.add_column("attempt", sa.Column("sizing", sa.Text(), nullable=True))
    extensions = sa.Column("extensions", sa.Integer(), nullable=False, server_default="0")
    op.add_column("attempt", extensions)
