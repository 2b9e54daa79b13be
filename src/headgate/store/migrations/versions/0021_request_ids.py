"""What clients call the requests that attempts are made for."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column; of what is folded already nobody knows it."""
    op.add_column("attempt", sa.Column("request_id", sa.String(), nullable=True))
