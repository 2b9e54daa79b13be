"""What replies gave as their usage where that could not be right."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column; of attempts that are folded already nothing was kept."""
    op.add_column("attempt", sa.Column("quarantined", sa.Text(), nullable=True))
