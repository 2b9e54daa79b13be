"""Idempotency keys under which batches were made."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the table: until now batches had none."""
    op.create_table(
        "batch_key",
        sa.Column("principal", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
    )
    op.create_index("batch_key_by_age", "batch_key", ["at_ns"])
    op.create_index("batch_key_of_batch", "batch_key", ["batch"])
