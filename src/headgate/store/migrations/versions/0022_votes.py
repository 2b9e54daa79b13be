"""Votes on calls, choices between two, and deployments that were found to be worse."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "vote",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("score_ppm", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("call_ns", sa.BigInteger(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("journal", sa.String(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("expected_ppm", sa.Integer(), nullable=True),
        sa.Column("propensity_ppm", sa.Integer(), nullable=True),
        sa.Column("clusters", sa.Text(), nullable=False, server_default="[]"),
    )
    op.create_index("vote_by_subject", "vote", ["principal", "kind", "subject"])
    op.create_index("vote_by_time", "vote", ["principal", "at_ns"])
    op.create_index("vote_of_attempt", "vote", ["attempt"])
    op.create_table(
        "preference",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("pair", sa.String(), nullable=False),
        sa.Column("preferred", sa.String(), nullable=False),
        sa.Column("over", sa.String(), nullable=False),
        sa.Column("preferred_model", sa.String(), nullable=False),
        sa.Column("over_model", sa.String(), nullable=False),
        sa.Column("call_ns", sa.BigInteger(), nullable=False),
    )
    op.create_index("preference_by_pair", "preference", ["principal", "pair"])
    op.create_index("preference_by_time", "preference", ["principal", "at_ns"])
    op.create_table(
        "quality_alarm",
        sa.Column("deployment", sa.String(), primary_key=True),
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("usual_ppm", sa.Integer(), nullable=False),
        sa.Column("now_ppm", sa.Integer(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
    )
