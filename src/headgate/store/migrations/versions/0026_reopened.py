"""How often an outcome that was a success was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the column: until now nobody counted."""
    op.add_column(
        "outcome", sa.Column("reopened", sa.Integer(), nullable=False, server_default="0")
    )
