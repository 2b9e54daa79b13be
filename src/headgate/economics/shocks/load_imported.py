"""Reads imported calls as calls that can be sent again: each asks for the model it had."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.store import UsageStore
from headgate.insights.drill import Past
from headgate.records.demand import STANDARD
from headgate.units.usage import Usage

_LAST = "SELECT max(started_ns) FROM usage WHERE cost_nanos IS NOT NULL"
_RECORDS = """
SELECT seller, model, tier, calls, cost_nanos, started_ns, seat, session, side,
    input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write_24h, input_audio,
    output_text, output_reasoning, output_audio, web_search
FROM usage WHERE started_ns >= ? ORDER BY started_ns DESC, source, reply, part LIMIT ?
"""
_STARTED_NS, _LEADING = 5, 9

Sold = tuple[str, str]
"""Seller and model, as the price book names them."""


class Imported(NamedTuple):
    """What was found.

    Attributes:
        calls: Those that can be sent again.
        other: How many records cannot, by why.
        sold: From the name that calls ask for to whose model it is.
        since_ns: Since when these are all: that of the oldest record where there are more than may
            be read.
    """

    calls: list[Past]
    other: Counter[str]
    sold: dict[str, Sold]
    since_ns: int


def last_use(store: UsageStore) -> int:
    """Return when the last priced record began, 0 when there is none."""
    (found,) = store.connection.execute(_LAST).fetchone()
    return int(found or 0)


def imported(
    store: UsageStore,
    book: PriceBook,
    dialect_of: Callable[[str], str | None],
    since_ns: int,
    limit: int,
) -> Imported:
    """Return the records since an instant, the newest first.

    Args:
        store: What was imported.
        book: Says whose model a name in a log is.
        dialect_of: What a seller is asked in; None where no stand-in speaks for it.
        since_ns: The first instant.
        limit: At most so many.
    """
    rows = store.connection.execute(_RECORDS, (since_ns, limit + 1)).fetchall()
    if len(rows) > limit:
        rows.pop()
        since_ns = rows[-1][_STARTED_NS]
    found = Imported([], Counter(), {}, since_ns)
    names: dict[Sold, str] = {}
    for row in rows:
        seller, model, tier, calls, cost_nanos = row[:5]
        if cost_nanos is None:
            found.other["records without a price"] += 1
        elif calls != 1:
            found.other["records that sum several calls"] += 1
        elif tier != STANDARD.tier:
            found.other[f"calls in the tier {tier}"] += 1
        elif (dialect := dialect_of(seller)) is None:
            found.other[f"calls of {seller}, whom nothing stands in for"] += 1
        else:
            sold = (seller, book.priced_as(seller, model) or model)
            asked = names.get(sold) or _name(sold, found.sold)
            names[sold], found.sold[asked] = asked, sold
            found.calls.append(_past(row, asked, sold, dialect))
    return found


def deployment_of(sold: Sold) -> str:
    """Return the id of the deployment that serves a seller's model."""
    return ".".join(sold)


def _name(sold: Sold, taken: dict[str, Sold]) -> str:
    """Return what calls of a model ask for: its name, with its seller's where another has it."""
    return sold[1] if sold[1] not in taken else "_".join(sold)


def _past(row: tuple[Any, ...], asked: str, sold: Sold, dialect: str) -> Past:
    _, _, _, _, cost_nanos, started_ns, seat, session, side = row[:_LEADING]
    usage = Usage(*row[_LEADING:])
    return Past(
        asked=asked,
        deployment=deployment_of(sold),
        dialect=dialect,
        stream=True,
        posted_nanos=cost_nanos,
        usage=usage,
        input_tokens=usage.prompt_tokens,
        output_tokens_max=max(1, usage.output_tokens),
        bound=None,
        budgeted=True,
        at_ns=started_ns,
        principal=seat,
        key=seat,
        thread=f"{session}/{side}",
    )
