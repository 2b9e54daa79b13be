"""The ledger's tables: journals, windows, leases, allotments, attempts, refusals."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Subquery,
    Table,
    Text,
    and_,
    cast,
    func,
    literal_column,
    select,
    text,
)

from headgate.store.expressions import Ending
from headgate.store.schema import METADATA

IS_RESPONSE: Final = "substr(upstream_id, 1, 5) = 'resp_'"
"""Selects the attempts whose replies a provider may keep and show again, by the form of their ids;
written in a query as it stands here, it has them found by their index."""


def _partial(name: str, column: str, where: str) -> Index:
    """Return an index of the rows that a condition selects."""
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


journal = Table(
    "journal",
    METADATA,
    Column("name", String, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("node", String, nullable=False, server_default=""),
)
"""How far each journal is folded, in the same transaction as what was folded from it; and which
node's it is, where nodes share the store."""

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

caller = Table(
    "caller",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("journal", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("principal", String, nullable=False),
    Column("team", String, nullable=False),
    Column("key", String, nullable=False),
    Column("run", String),
    Column("windows", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("tags", Text, nullable=False, server_default="[]"),
    Column("waived", Text, nullable=False, server_default="[]"),
    Index("caller_by_number", "journal", "number", unique=True),
    _partial("caller_of_run", "run", "run IS NOT NULL"),
)
"""Who asks, by the number that the holds of a journal refer to it by."""

route = Table(
    "route",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("journal", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("asked", String, nullable=False),
    Column("deployment", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("via", String),
    Index("route_by_number", "journal", "number", unique=True),
)
"""What is asked for and where it goes, likewise."""

attempt = Table(
    "attempt",
    METADATA,
    Column("attempt", String, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("hold_nanos", BigInteger, nullable=False),
    Column("caller", Integer, nullable=False),
    Column("route", Integer, nullable=False),
    Column("decision", Integer, nullable=False),
    Column("input_tokens_max", BigInteger, nullable=False),
    Column("output_tokens_max", BigInteger, nullable=False),
    Column("choices", Integer, nullable=False),
    Column("stream", Boolean, nullable=False),
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
    Column("closed_by", String, nullable=False),
    Column("usage", Text, nullable=False),
    Column("lines", Text, nullable=False),
    Column("cache", Text),
    # From here on as the migrations added them: SQLite takes rows in its own order as they are.
    Column("lost", Text, nullable=False, server_default="[]"),
    Column("priority", String, nullable=False, server_default="interactive"),
    Column("waited_us", BigInteger, nullable=False, server_default="0"),
    Column("session", String),
    Column("quarantined", Text),
    Column("sizing", Text),
    Column("extensions", Integer, nullable=False, server_default="0"),
    Column("request_id", String),
    Index("attempt_by_time", "at_ns"),
    _partial("attempt_of_session", "session", "session IS NOT NULL"),
    _partial("attempt_held", "caller", "state = 'held'"),
    _partial("attempt_of_response", "upstream_id", IS_RESPONSE),
)
"""One row per attempt; `state` is held, measured, estimated, unknown or void. Folding writes it,
everybody else reads `attempts`."""


adjustment = Table(
    "adjustment",
    METADATA,
    Column("id", String, primary_key=True),
    Column("journal", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("windows", Text, nullable=False),
    Column("reason", String, nullable=False),
    Column("source", Text, nullable=False),
    Column("made_by", String, nullable=False),
    Column("attempt", String),
    Index("adjustment_of_attempt", "attempt"),
    Index("adjustment_by_time", "at_ns"),
)
"""Corrections, one row each; rows are only ever added. `windows` is a JSON array."""


def call_of(attempt_id: ColumnElement[str]) -> ColumnElement[str]:
    """Return the id of the call an attempt is of: its own without the number."""
    # No function that splits a text has the same name everywhere.
    # What is cut off stands in the SQL itself: PostgreSQL groups by nothing else.
    digits: ColumnElement[str] = literal_column("'0123456789'")
    point: ColumnElement[str] = literal_column("'.'")
    return func.rtrim(func.rtrim(attempt_id, digits), point)


def _whole_attempts() -> Subquery:
    own = [column for column in attempt.c if column.name not in ("caller", "route")]
    # What is not there does not hide the attempt: whoever checks the books has to see it.
    joined = attempt.outerjoin(caller, caller.c.id == attempt.c.caller)
    joined = joined.outerjoin(route, route.c.id == attempt.c.route)
    who = [each for each in caller.c if each.name not in ("id", "number")]
    where = [each for each in route.c if each.name not in ("id", "number", "journal")]
    adjusted = select(func.coalesce(cast(func.sum(adjustment.c.amount_nanos), BigInteger), 0))
    adjusted = adjusted.where(adjustment.c.attempt == attempt.c.attempt)
    corrected = adjusted.scalar_subquery().label("adjusted_nanos")
    return (
        select(call_of(attempt.c.attempt).label("call"), *own, *who, *where, corrected)
        .select_from(joined)
        .subquery("attempts")
    )


attempts = _whole_attempts()
"""Attempts with the call, the caller and the route of each, and the sum of its corrections."""


is_first = Ending(attempt.c.attempt, 2) == ".1"
"""Selects the first attempt of each call: counting them counts calls, and needs no sorting."""


def is_of_call(call: str) -> ColumnElement[bool]:
    """Select the attempts of a call, by their ids: `<call>.1` and so on."""
    ids = attempts.c.attempt
    return and_(ids > f"{call}.", ids < f"{call}/")


allotment = Table(
    "allotment",
    METADATA,
    Column("window", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("parents", Text, nullable=False),
    Column("key", String, nullable=False),
    Column("chain", Text, nullable=False),
    Column("node", String, nullable=False),
    Column("until_ns", BigInteger),
    Column("carved_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
)
"""Money carved for a delegation, numbered as it was; see `ledger/allotments.py`."""

shadow = Table(
    "shadow",
    METADATA,
    Column("window", String, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
)
"""What shadow windows would have refused: attempts, and what was held for them elsewhere."""

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
    Column("chain", Text, nullable=False),
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
