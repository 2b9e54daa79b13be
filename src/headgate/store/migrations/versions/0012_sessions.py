"""The session of an attempt's call."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column and its index; of attempts that are folded already none is known."""
    op.add_column("attempt", sa.Column("session", sa.String(), nullable=True))
    op.create_index(
        "attempt_of_session",
        "attempt",
        ["session"],
        unique=False,
        sqlite_where=sa.text("session IS NOT NULL"),
        postgresql_where=sa.text("session IS NOT NULL"),
    )
