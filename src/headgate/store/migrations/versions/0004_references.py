"""Callers and routes once, and attempts that refer to them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables, move what attempts repeated into them, and number the attempts' sides."""
    op.create_table(
        "caller",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("journal", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "route",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("journal", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("dialect", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "attempt_new",
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("hold_nanos", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Integer(), nullable=False),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("input_tokens_max", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens_max", sa.BigInteger(), nullable=False),
        sa.Column("choices", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("posted_nanos", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("served_model", sa.String(), nullable=True),
        sa.Column("upstream_id", sa.String(), nullable=True),
        sa.Column("upstream_request_id", sa.String(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("ttft_us", sa.BigInteger(), nullable=True),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("attempt"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # No store on PostgreSQL was ever of that age.
        for statement in (_CALLERS, _ROUTES, _ATTEMPTS):
            op.execute(statement)
    op.drop_table("attempt")
    op.rename_table("attempt_new", "attempt")
    op.create_index("caller_by_number", "caller", ["journal", "number"], unique=True)
    op.create_index("route_by_number", "route", ["journal", "number"], unique=True)
    op.create_index("attempt_by_time", "attempt", ["at_ns"], unique=False)
    op.create_index(
        "attempt_held",
        "attempt",
        ["caller"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )


# Journals of before name neither callers nor routes, so any numbers do that no two share.
_CALLERS = """
INSERT INTO caller (id, journal, number, principal, team, key, run, windows)
SELECT row_number() OVER (), journal, row_number() OVER (), principal, team, key, run, windows
FROM (SELECT DISTINCT journal, principal, team, key, run, windows FROM attempt)
"""
_ROUTES = """
INSERT INTO route (id, journal, number, asked, deployment, dialect, via)
SELECT row_number() OVER (), journal, row_number() OVER (), asked, deployment, dialect, NULL
FROM (SELECT DISTINCT journal, asked, deployment, dialect FROM attempt)
"""
_ATTEMPTS = """
INSERT INTO attempt_new
SELECT old.attempt, at_ns, hold_nanos, caller.id, route.id, decision, input_tokens_max,
  output_tokens_max, choices, stream, ended_ns, state, posted_nanos, final, served_model,
  upstream_id, upstream_request_id, status, reason, ttft_us, duration_us, closed_by, usage,
  (SELECT json_group_array(json_array(
      json_extract(line.value, '$.meter'), json_extract(line.value, '$.quantity'),
      json_extract(line.value, '$.price_femto'), json_extract(line.value, '$.amount_nanos'),
      json_extract(line.value, '$.price_row')))
    FROM json_each(old.lines) AS line)
FROM attempt AS old
JOIN caller ON caller.journal = old.journal AND caller.principal = old.principal
  AND caller.team = old.team AND caller.key = old.key AND caller.run IS old.run
  AND caller.windows = old.windows
JOIN route ON route.journal = old.journal AND route.asked = old.asked
  AND route.deployment = old.deployment AND route.dialect = old.dialect
"""
