"""Attempts are found by the response that a provider keeps of them."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add an index of those alone whose replies may be kept."""
    where = sa.text("substr(upstream_id, 1, 5) = 'resp_'")
    op.create_index(
        "attempt_of_response",
        "attempt",
        ["upstream_id"],
        sqlite_where=where,
        postgresql_where=where,
    )
