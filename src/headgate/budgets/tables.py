"""Budgets' tables: what was posted by when, what is alarmed about or was raised, and runs."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

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

run = Table(
    "run",
    METADATA,
    Column("principal", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("parent", String),
    Column("agent", String, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("budget_nanos", BigInteger),
    Column("created_ns", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
)
"""Runs that were told of; see `budgets/runs.py`."""

budget_period = Table(
    "budget_period",
    METADATA,
    Column("window", String, primary_key=True),
    Column("limit_nanos", BigInteger, nullable=False),
)
"""The limits that periods had while they ran, of budgets that carry over."""

budget_raise = Table(
    "budget_raise",
    METADATA,
    Column("approval", String, primary_key=True),
    Column("budget", String, nullable=False),
    Column("by_nanos", BigInteger, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
)
"""Temporary raises of limits that were approved; `ended_ns` is null until the end was told."""
