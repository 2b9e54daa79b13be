"""The last word of a source is found at once, however often its voter changed his mind."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Put source and number behind what the indexes of votes are by."""
    op.drop_index("vote_by_subject", "vote")
    op.create_index("vote_by_subject", "vote", ["principal", "kind", "subject", "source", "seq"])
    op.drop_index("vote_of_attempt", "vote")
    op.create_index("vote_of_attempt", "vote", ["attempt", "source", "seq"])
