"""The ledger's tables: journals, windows, leases, attempts, refusals, decisions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    func,
    text,
)

from headgate.store.schema import METADATA

journal = Table(
    "journal",
    METADATA,
    Column("name", String, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
)
"""How far each journal is folded; in the same transaction as what was folded from it."""

window = Table(
    "window",
    METADATA,
    Column("window", String, primary_key=True),
    Column("budget", String, nullable=False),
    Column("posted_nanos", BigInteger, nullable=False),
    Column("held_nanos", BigInteger, nullable=False),
    Column("unaccounted_nanos", BigInteger, nullable=False),
)
"""Money per budget and period. The limit is the configuration's, so it is not kept here."""

lease = Table(
    "lease",
    METADATA,
    Column("journal", String, primary_key=True),
    Column("window", String, primary_key=True),
    Column("granted_nanos", BigInteger, nullable=False),
    Column("posted_nanos", BigInteger, nullable=False),
    Column("held_nanos", BigInteger, nullable=False),
)
"""What a worker's epoch was lent of a window (cumulative) and what its journal says of it."""

attempt = Table(
    "attempt",
    METADATA,
    Column("attempt", String, primary_key=True),
    Column("call", String, nullable=False),
    Column("journal", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("principal", String, nullable=False),
    Column("team", String, nullable=False),
    Column("key", String, nullable=False),
    Column("run", String),
    Column("asked", String, nullable=False),
    Column("deployment", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("decision", Integer, nullable=False),
    Column("windows", Text, nullable=False),
    Column("input_tokens_max", BigInteger, nullable=False),
    Column("output_tokens_max", BigInteger, nullable=False),
    Column("choices", Integer, nullable=False),
    Column("hold_nanos", BigInteger, nullable=False),
    Column("via", String),
    Column("lost", Text, nullable=False, server_default="[]"),
    # What the end of an attempt sets begins here; see ledger/rows.py.
    Column("ended_ns", BigInteger),
    Column("state", String, nullable=False),
    Column("posted_nanos", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("served_model", String),
    Column("upstream_id", String),
    Column("upstream_request_id", String),
    Column("status", Integer, nullable=False),
    Column("reason", String),
    Column("ttft_us", BigInteger),
    Column("duration_us", BigInteger, nullable=False),
    Column("usage", Text, nullable=False),
    Column("lines", Text, nullable=False),
    Column("closed_by", String, nullable=False),
    Index("attempt_by_time", "at_ns"),
    Index("attempt_held", "journal", sqlite_where=text("state = 'held'")),
)
"""One row per attempt; `state` is held, measured, estimated, unknown or void."""


def is_of_call(call: str) -> ColumnElement[bool]:
    """Select the attempts of a call, by their ids: `<call>.1` and so on."""
    ids = attempt.c.attempt
    return and_(ids > f"{call}.", ids < f"{call}/")


is_first = func.substr(attempt.c.attempt, -2) == ".1"
"""Selects the first attempt of each call: counting them counts calls, and needs no sorting."""

refusal = Table(
    "refusal",
    METADATA,
    Column("call", String, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("principal", String, nullable=False),
    Column("team", String, nullable=False),
    Column("key", String, nullable=False),
    Column("run", String),
    Column("asked", String, nullable=False),
    Column("code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("budget", String),
    Index("refusal_by_time", "at_ns"),
)
"""Calls that were refused before any attempt."""

decision = Table(
    "decision",
    METADATA,
    Column("journal", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
)
"""Rankings of candidates, as the journal has them."""
