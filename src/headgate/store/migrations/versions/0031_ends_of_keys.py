"""When keys end."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add the column: those made until now never do."""
    op.add_column("credential", sa.Column("until_ns", sa.BigInteger()))
