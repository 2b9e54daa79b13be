"""What is in `usage.db`, as sums: by kind of log, by model, what has no price, what was billed."""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import UsageStore
from headgate.units.usage import METERS, Usage

RECORDS_PER_FETCH = 1_000

_BY_SOURCE = """
SELECT source, count(*), sum(calls), count(DISTINCT session), min(started_ns), max(at_ns),
    coalesce(sum(cost_nanos), 0), coalesce(sum(cost_high_nanos), 0), sum(cost_nanos IS NULL),
    sum(grade = 'A'), sum(grade = 'B'), sum(grade = 'C'),
    sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h),
    sum(cache_write_24h), sum(input_audio), sum(output_text), sum(output_reasoning),
    sum(output_audio), sum(web_search)
FROM usage GROUP BY source ORDER BY source
"""
_UNPRICED = """
SELECT source, coalesce(told_seller, ''), model, price_rows, count(*),
    sum(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_24h
        + input_audio + output_text + output_reasoning + output_audio)
FROM usage WHERE cost_nanos IS NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_BILLED = """
SELECT bill.source, bill.seller, min(start_ns), max(end_ns), sum(amount_nanos), (
    SELECT coalesce(sum(cost_nanos), 0) FROM usage
    WHERE usage.source = bill.source AND usage.seller = bill.seller
        AND usage.started_ns >= min(bill.start_ns) AND usage.started_ns < max(bill.end_ns)
) FROM bill GROUP BY bill.source, bill.seller ORDER BY 1, 2
"""
_RECORDS = """
SELECT source, reply, part, at_ns, started_ns, seat, session, project, seller, model, tier, region,
    calls, grade, cost_nanos, cost_high_nanos, price_rows, billed_nanos, reported_nanos,
    input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_24h, input_audio,
    output_text, output_reasoning, output_audio, web_search
FROM usage ORDER BY source, started_ns, reply, part
"""


class SourceSums(NamedTuple):
    """All records of one kind of log.

    Attributes:
        cost_nanos: Sum of the least amounts of what has a price.
        cost_high_nanos: Sum of the most; the same when no fact is missing.
        grades: Records of grade A, B and C.
    """

    source: str
    records: int
    calls: int
    sessions: int
    first_ns: int
    last_ns: int
    cost_nanos: int
    cost_high_nanos: int
    unpriced: int
    grades: tuple[int, int, int]
    usage: Usage


class Unpriced(NamedTuple):
    """Records of one model that have no price; `near` is a priced name like it, None if none is."""

    source: str
    seller: str
    model: str
    why: str
    records: int
    tokens: int
    near: str | None


class Billed(NamedTuple):
    """What a seller's bills say, and what its usage of the same time comes to by the price book."""

    source: str
    seller: str
    start_ns: int
    end_ns: int
    billed_nanos: int
    priced_nanos: int


class Record(NamedTuple):
    """A record as it is kept; see `record.Found` and `pricing.Priced`."""

    source: str
    reply: str
    part: str
    at_ns: int
    started_ns: int
    seat: str
    session: str
    project: str
    seller: str
    model: str
    tier: str
    region: str
    calls: int
    grade: str
    cost_nanos: int | None
    cost_high_nanos: int | None
    price_rows: str
    billed_nanos: int | None
    reported_nanos: int | None
    usage: Usage


class Summary(NamedTuple):
    """All sums of a store."""

    sources: tuple[SourceSums, ...]
    unpriced: tuple[Unpriced, ...]
    billed: tuple[Billed, ...]


def summary(store: UsageStore, pricer: Pricer) -> Summary:
    """Return the sums; `pricer` names the nearest price of a model without one."""
    connection = store.connection
    return Summary(
        tuple(map(_source, connection.execute(_BY_SOURCE))),
        tuple(_unpriced(row, pricer) for row in connection.execute(_UNPRICED)),
        tuple(map(Billed._make, connection.execute(_BILLED))),
    )


def records(store: UsageStore) -> Iterator[Record]:
    """Yield every record, by kind of log and time."""
    cursor: sqlite3.Cursor = store.connection.execute(_RECORDS)
    while rows := cursor.fetchmany(RECORDS_PER_FETCH):
        for row in rows:
            yield Record._make((*row[: -len(METERS)], Usage(*row[-len(METERS) :])))


def _source(row: tuple[Any, ...]) -> SourceSums:
    return SourceSums._make((*row[:9], row[9:12], Usage(*row[12:])))


def _unpriced(row: tuple[Any, ...], pricer: Pricer) -> Unpriced:
    return Unpriced._make((*row, pricer.near(str(row[2]))))
