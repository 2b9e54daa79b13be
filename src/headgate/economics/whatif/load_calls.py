"""Reads the calls of a period with their classes: from imported logs, or from the books."""

import sqlite3
from collections.abc import Iterable, Iterator

from headgate.catalog.prices import PriceBook
from headgate.economics.inputs import InputError
from headgate.economics.prices.load_past import Charged
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import UsageStore
from headgate.economics.whatif.calls import Calls, Kind, Row, calls_of
from headgate.records.demand import Terms

IMPORTED = ("side", "seat", "project", "model")
BOOKS = ("team", "model", "tag:NAME")
TAG = "tag:"
NO_TAG = "(none)"

_CALLS = """
SELECT seller, model, tier, region,
    CASE ?1 WHEN 'seat' THEN seat WHEN 'project' THEN project WHEN 'model' THEN model
        ELSE iif(side, 'side', 'main') END,
    started_ns, cost_nanos,
    input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_24h, input_audio,
    output_text, output_reasoning, output_audio, web_search
FROM usage WHERE cost_nanos IS NOT NULL AND started_ns >= ?2 AND started_ns < ?3
"""
_LEFT = """
SELECT sum(cost_nanos IS NULL), sum(cost_nanos IS NOT NULL AND calls > 1)
FROM usage WHERE started_ns >= ? AND started_ns < ?
"""
_KEYS = 5


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
    cursor = store.connection.execute(_CALLS, (by, since_ns, until_ns))
    return calls_of(_rows(cursor, Pricer(book)))


def left_out(store: UsageStore, since_ns: int, until_ns: int) -> tuple[int, int]:
    """Return how many records have no price, and how many are sums of several calls."""
    row = store.connection.execute(_LEFT, (since_ns, until_ns)).fetchone()
    return int(row[0] or 0), int(row[1] or 0)


def _rows(cursor: sqlite3.Cursor, pricer: Pricer) -> Iterator[Row]:
    kinds: dict[tuple[str, ...], Kind] = {}
    for row in cursor:
        key = row[:_KEYS]
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = _kind(key, pricer)
        yield kind, row[_KEYS:]


def _kind(key: tuple[str, ...], pricer: Pricer) -> Kind:
    seller, model, tier, region, name = key
    sold = pricer.sold_as(seller or None, model) or (seller, model)
    return (*sold, Terms(tier, region)), name


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
    return (past.way, _class(charged, by)), numbers


def _class(charged: Charged, by: str) -> str:
    if by == "team":
        return charged.past.team
    if by == "model":
        return charged.past.way[1]
    named = f"{by.removeprefix(TAG)}="
    values = (tag.removeprefix(named) for tag in charged.tags if tag.startswith(named))
    return next(values, NO_TAG)
