"""When files are gone, which their clients may say."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

THIRTY_DAYS_NS = 2_592_000_000_000_000


def upgrade() -> None:
    """Add the column: until now all were kept for thirty days."""
    column = sa.Column("expires_ns", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("stored_file", column)
    file = sa.table("stored_file", sa.column("created_ns"), sa.column("expires_ns"))
    op.execute(file.update().values(expires_ns=file.c.created_ns + THIRTY_DAYS_NS))
    op.create_index("file_by_end", "stored_file", ["expires_ns"])
