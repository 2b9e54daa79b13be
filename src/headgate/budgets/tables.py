"""Budgets' tables: what was posted by when, and which windows are being alarmed about."""

from sqlalchemy import BigInteger, Column, String, Table

from headgate.store.schema import METADATA

spend_sample = Table(
    "spend_sample",
    METADATA,
    Column("window", String, primary_key=True),
    Column("at_ns", BigInteger, primary_key=True),
    Column("posted_nanos", BigInteger, nullable=False),
)
"""What was posted on a window by an instant; kept for a little over an hour."""

alarm = Table(
    "alarm",
    METADATA,
    Column("window", String, primary_key=True),
    Column("since_ns", BigInteger, nullable=False),
)
"""Windows that will soon be used up at their pace."""
