"""Reads the calls of a period with their classes: from imported logs, or from the books."""

from collections.abc import Iterable
from itertools import chain

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.economics.inputs import InputError
from headgate.economics.prices.bulk import Integers
from headgate.economics.prices.load_past import Charged
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import UsageStore
from headgate.economics.whatif.calls import (
    COLUMNS,
    Calls,
    Kind,
    Row,
    Who,
    calls_of,
    calls_of_columns,
)
from headgate.records.demand import Terms
from headgate.units.usage import METERS

IMPORTED = ("side", "seat", "project", "model")
BOOKS = ("team", "principal", "model", "tag:NAME")
TAG = "tag:"
NO_TAG = "(none)"

_KINDS = """
CREATE TEMP TABLE IF NOT EXISTS kind (
    seller TEXT, model TEXT, tier TEXT, region TEXT, class TEXT, seat TEXT, source TEXT,
    number INTEGER, PRIMARY KEY (model, seat, class, source, seller, tier, region)
) WITHOUT ROWID
"""
_FIND_KINDS = """
INSERT INTO temp.kind SELECT *, row_number() OVER () - 1 FROM (
    SELECT DISTINCT seller, model, tier, region,
        CASE ?1 WHEN 'seat' THEN seat WHEN 'project' THEN project WHEN 'model' THEN model
            ELSE iif(side, 'side', 'main') END, seat, source
    FROM usage WHERE cost_nanos IS NOT NULL AND started_ns >= ?2 AND started_ns < ?3
)
"""
_KNOWN_KINDS = """
SELECT seller, model, tier, region, class, seat, source FROM temp.kind ORDER BY number
"""
_OF_PERIOD = """
FROM usage CROSS JOIN temp.kind AS kind ON kind.model = usage.model AND kind.seat = usage.seat
    AND kind.class = CASE ?1 WHEN 'seat' THEN usage.seat WHEN 'project' THEN project
        WHEN 'model' THEN usage.model ELSE iif(usage.side, 'side', 'main') END
    AND kind.source = usage.source
    AND kind.seller = usage.seller AND kind.tier = usage.tier AND kind.region = usage.region
WHERE cost_nanos IS NOT NULL AND started_ns >= ?2 AND started_ns < ?3
"""
"""The join turns seven words a row into a number before they ever become objects."""
_PACKED = f"""
SELECT kind.number, started_ns, cost_nanos,
    input_uncached << 31 | cache_read, cache_write_5m << 31 | cache_write_1h,
    cache_write_24h << 31 | input_audio, output_text << 31 | output_reasoning,
    output_audio << 31 | web_search
{_OF_PERIOD} AND calls <= 1
"""
"""An object a number is what reading takes, so two quantities are one: each is below 2^30."""
_SUMS = f"""
SELECT kind.number, started_ns, cost_nanos,
    input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_24h, input_audio,
    output_text, output_reasoning, output_audio, web_search
{_OF_PERIOD} AND calls > 1
"""
"""What sums several calls may be larger."""
_BITS = 31
_LEADING = 3
"""Columns before the quantities."""
_LEFT = """
SELECT sum(cost_nanos IS NULL), sum(cost_nanos IS NOT NULL AND calls > 1)
FROM usage WHERE started_ns >= ? AND started_ns < ?
"""


def imported(store: UsageStore, book: PriceBook, by: str, since_ns: int, until_ns: int) -> Calls:
    """Return the priced records of imported logs in a stretch of time.

    Args:
        store: What was imported.
        book: Says whose model a name in a log is.
        by: What tells classes apart, one of `IMPORTED`.
        since_ns: The first instant.
        until_ns: The first instant that is too late.

    Raises:
        InputError: Nothing of the kind tells imported calls apart.
    """
    if by not in IMPORTED:
        raise InputError(f"Imported calls have no {by!r}.", f"Write {', '.join(IMPORTED)}.")
    connection, asked, pricer = store.connection, (by, since_ns, until_ns), Pricer(book)
    connection.execute(_KINDS)
    # Both readings are of one state; what is told of kinds is this connection's alone, and goes.
    connection.execute("BEGIN")
    try:
        connection.execute(_FIND_KINDS, asked)
        kinds = [_kind(key, pricer) for key in connection.execute(_KNOWN_KINDS)]
        packed = _table(connection.execute(_PACKED, asked), _LEADING + len(METERS) // 2)
        sums = _table(connection.execute(_SUMS, asked), COLUMNS)
    finally:
        connection.execute("ROLLBACK")
    return calls_of_columns(kinds, _columns(packed, sums))


def _table(rows: Iterable[tuple[int, ...]], width: int) -> Integers:
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width)


def _columns(packed: Integers, sums: Integers) -> Integers:
    """Return the columns of both, quantities taken apart."""
    columns = np.empty((COLUMNS, len(packed) + len(sums)), np.int64)
    columns[:, len(packed) :] = sums.T
    single = columns[:, : len(packed)]
    single[:_LEADING] = packed[:, :_LEADING].T
    single[_LEADING::2] = packed[:, _LEADING:].T >> _BITS
    single[_LEADING + 1 :: 2] = packed[:, _LEADING:].T & (1 << _BITS) - 1
    return columns


def left_out(store: UsageStore, since_ns: int, until_ns: int) -> tuple[int, int]:
    """Return how many records have no price, and how many are sums of several calls."""
    row = store.connection.execute(_LEFT, (since_ns, until_ns)).fetchone()
    return int(row[0] or 0), int(row[1] or 0)


def _kind(key: tuple[str, ...], pricer: Pricer) -> Kind:
    seller, model, tier, region, name, seat, log = key
    sold = pricer.sold_as(seller or None, model) or (seller, model)
    return Kind((*sold, Terms(tier, region)), name, Who(seat, log))


def of_books(charged: Iterable[Charged], by: str) -> Calls:
    """Return attempts of the books.

    Args:
        charged: The attempts.
        by: What tells classes apart, one of `BOOKS`.

    Raises:
        InputError: Nothing of the kind tells attempts apart.
    """
    if by not in BOOKS[:-1] and not by.startswith(TAG):
        raise InputError(f"Calls of the books have no {by!r}.", f"Write {', '.join(BOOKS)}.")
    return calls_of(_row(each, by) for each in charged)


def _row(charged: Charged, by: str) -> Row:
    past = charged.past
    numbers = (past.at_ns, charged.net_nanos, *past.usage)
    return Kind(past.way, _class(charged, by), Who(charged.principal)), numbers


def _class(charged: Charged, by: str) -> str:
    if by == "team":
        return charged.past.team
    if by == "principal":
        return charged.principal
    if by == "model":
        return charged.past.way[1]
    named = f"{by.removeprefix(TAG)}="
    values = (tag.removeprefix(named) for tag in charged.tags if tag.startswith(named))
    return next(values, NO_TAG)
