"""Reads calls that were made, and what decides their prices: from the books, or imported logs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.catalog.settings import Deployment
from headgate.economics.prices.bulk import Way
from headgate.economics.prices.impact import Past
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore
from headgate.economics.usage_logs.summary import records
from headgate.ledger.rows import lines_of_row, usage_of_row
from headgate.ledger.tables import attempts
from headgate.records.charge import ChargeLine
from headgate.records.demand import STANDARD, Terms
from headgate.units.usage import METERS, Usage


def past_calls(
    connection: Connection,
    book: PriceBook,
    deployments: Mapping[str, Deployment],
    since_ns: int,
    until_ns: int,
) -> Iterator[Past]:
    """Yield the measured attempts of a stretch of time that have usage.

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
    for row in connection.execute(query).mappings():
        counts = {meter: n for meter, n in usage_of_row(row).items() if meter in METERS}
        way = _way(row, lines_of_row(row), book, deployments)
        if counts and way is not None:
            yield Past(way, row["at_ns"], Usage(**counts), row["team"], row["posted_nanos"])


def _way(
    row: RowMapping,
    lines: tuple[ChargeLine, ...],
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
    for line in lines:
        entry = book.entry(line.price_row)
        if isinstance(entry, PriceRow):
            names = line.price_row.split("*")[1:]
            tier, region = _terms(book, entry, names)
            return entry.seller, entry.model, Terms(tier, region, nodes=nodes)
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
