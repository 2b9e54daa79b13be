"""Reads calls that were made, and what decides their prices: from the books, or imported logs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.catalog.settings import Deployment
from headgate.economics.prices.bulk import Way
from headgate.economics.prices.impact import Past
from headgate.economics.prices.restating import RESTATED
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore
from headgate.economics.usage_logs.summary import records
from headgate.ledger.rows import lines_of_row, tags_of_row, usage_of_row
from headgate.ledger.tables import adjustment, attempts
from headgate.records.charge import ChargeLine
from headgate.records.demand import STANDARD, Terms
from headgate.units.usage import METERS, UNIT_METERS, Usage


class Charged(NamedTuple):
    """A measured attempt of the books.

    Attributes:
        principal: Whose it was.
        past: What a price needs of it.
        net_nanos: What it was posted at, with its corrections.
        rows: What its charge lines name, each once.
        corrections: How often it was corrected.
        restated: Whether all of that was by prices.
        is_certain: Whether its lines tell the terms it was served on.
        tags: `NAME=VALUE` each.
    """

    attempt: str
    principal: str
    past: Past
    net_nanos: int
    rows: tuple[str, ...]
    corrections: int
    restated: bool
    is_certain: bool
    tags: tuple[str, ...] = ()


def charged_calls(
    connection: Connection,
    book: PriceBook,
    deployments: Mapping[str, Deployment],
    since_ns: int,
    until_ns: int,
) -> Iterator[Charged]:
    """Yield the measured attempts of a stretch of time that have usage.

    Those for images and sound are left out, unless they were billed by tokens of text and sound
    alone.

    Args:
        connection: To the store.
        book: The prices they were rated by.
        deployments: Those of the configuration; attempts of others are taken by their charge lines.
        since_ns: The first instant.
        until_ns: The first instant that is too late.
    """
    columns = attempts.c
    query = (
        select(attempts)
        .where(columns.at_ns >= since_ns, columns.at_ns < until_ns, columns.state == "measured")
        .order_by(columns.at_ns)
    )
    corrected = _corrections(connection)
    for row in connection.execute(query).mappings():
        lines = lines_of_row(row)
        counts = {meter: n for meter, n in usage_of_row(row).items() if meter in METERS}
        if any(line.meter in UNIT_METERS for line in lines):
            # What it was billed by beside tokens is not rated here.
            continue
        told = _told(book, lines)
        way = _way(row, told, book, deployments)
        if counts and way is not None:
            past = Past(way, row["at_ns"], Usage(**counts), row["team"], row["posted_nanos"])
            reasons = corrected.get(row["attempt"], [])
            yield Charged(
                attempt=row["attempt"],
                principal=row["principal"],
                past=past,
                net_nanos=row["posted_nanos"] + row["adjusted_nanos"],
                rows=tuple(dict.fromkeys(line.price_row for line in lines)),
                corrections=len(reasons),
                restated=all(reason == RESTATED for reason in reasons),
                is_certain=told is not None,
                tags=tags_of_row(row),
            )


def _corrections(connection: Connection) -> dict[str, list[str]]:
    """Return the reasons of the corrections of each attempt that has some."""
    columns = adjustment.c
    query = select(columns.attempt, columns.reason).where(columns.attempt.is_not(None))
    found: dict[str, list[str]] = {}
    for attempt, reason in connection.execute(query):
        found.setdefault(attempt, []).append(reason)
    return found


def _told(book: PriceBook, lines: tuple[ChargeLine, ...]) -> tuple[str, str, Terms] | None:
    """Return seller, model and terms as the lines of a charge tell them, None when they do not."""
    for line in lines:
        entry = book.entry(line.price_row)
        if isinstance(entry, PriceRow):
            tier, region = _terms(book, entry, line.price_row.split("*")[1:])
            return entry.seller, entry.model, Terms(tier, region)
    return None


def _way(
    row: RowMapping,
    told: Way | None,
    book: PriceBook,
    deployments: Mapping[str, Deployment],
) -> Way | None:
    """Return seller, model and terms of an attempt: what its lines say, else its deployment."""
    deployment = deployments.get(row["deployment"])
    wanted = [
        f"key:{row['key']}",
        f"principal:{row['principal']}",
        f"team:{row['team']}",
        f"deployment:{row['deployment']}",
    ]
    if deployment is not None:
        wanted.append(f"provider:{deployment.provider}")
    nodes = tuple(node for node in wanted if node in book.contract_nodes)
    if told is not None:
        return told[0], told[1], told[2]._replace(nodes=nodes)
    if deployment is None:
        return None
    served = row["served_model"]
    model = deployment.priced_as if served in (None, deployment.model) else served
    return deployment.seller, model, STANDARD._replace(nodes=nodes)


def _terms(book: PriceBook, row: PriceRow, names: list[str]) -> tuple[str, str]:
    """Return the tier and region that a row and its modifiers were charged for."""
    tier, region = row.tier, STANDARD.region
    for modifier in book.modifiers:
        if modifier.seller == row.seller and modifier.id in names:
            tier = min(modifier.tiers, default=tier)
            region = min(modifier.regions, default=region)
    return tier, region


def imported_calls(
    store: UsageStore, book: PriceBook, since_ns: int, until_ns: int
) -> Iterator[Past]:
    """Yield the priced records of imported logs in a stretch of time; a seat stands for a team."""
    pricer = Pricer(book)
    for one in records(store):
        if one.cost_nanos is None or not since_ns <= one.started_ns < until_ns:
            continue
        sold = pricer.sold_as(one.seller or None, one.model)
        if sold is not None:
            way = (*sold, Terms(one.tier, one.region))
            yield Past(way, one.started_ns, one.usage, one.seat, one.cost_nanos)


@contextmanager
def open_usage(data_dir: Path) -> Iterator[UsageStore]:
    """Open what was imported, for reading.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    store = UsageStore(data_dir / STORE_NAME, readonly=True)
    try:
        yield store
    finally:
        store.close()
