"""Reads what was drawn of commitments, and who used bought capacity, from the books."""

from collections.abc import Collection

from sqlalchemy import BigInteger, Connection, cast, func, select

from headgate.catalog.commitments import Capacity
from headgate.ledger.rows import lines_of_row
from headgate.ledger.tables import attempts
from headgate.units.usage import INPUT_METERS, OUTPUT_METERS

_TOKENS = {*INPUT_METERS, *OUTPUT_METERS}


def drawn_nanos(
    connection: Connection, deployments: Collection[str], start_ns: int, end_ns: int
) -> int:
    """Return what attempts at some deployments were posted at, with their corrections."""
    columns = attempts.c
    posted = cast(func.sum(columns.posted_nanos + columns.adjusted_nanos), BigInteger)
    query = select(func.coalesce(posted, 0)).where(
        columns.at_ns >= start_ns,
        columns.at_ns < end_ns,
        columns.deployment.in_(deployments),
        columns.state != "held",
    )
    return int(connection.execute(query).scalar_one())


def tokens_by_team(
    connection: Connection, capacity: Capacity, start_ns: int, end_ns: int
) -> dict[str, int]:
    """Return the tokens that each team had served from a capacity: those its contract priced."""
    columns, row_id = attempts.c, capacity.contract().row_id
    query = select(columns.team, columns.lines).where(
        columns.at_ns >= start_ns,
        columns.at_ns < end_ns,
        columns.deployment.in_(capacity.deployments),
        columns.state == "measured",
    )
    found: dict[str, int] = {}
    for row in connection.execute(query).mappings():
        for line in lines_of_row(row):
            if line.meter in _TOKENS and line.price_row.partition("*")[0] == row_id:
                found[row["team"]] = found.get(row["team"], 0) + line.quantity
    return found
