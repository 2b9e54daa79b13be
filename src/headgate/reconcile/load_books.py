"""What the books have of a provider's attempts, by model and day."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import RowMapping

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.ledger.rows import lines_of_row, usage_of_row
from headgate.ledger.tables import adjustment, attempts
from headgate.reconcile.cells import Booked, CellKey, Estimate, before_surcharges
from headgate.records.charge import SURCHARGE, ChargeLine
from headgate.units.instants import to_datetime
from headgate.units.usage import METERS, Usage

TOOLS = frozenset({"web_search"})
"""Meters of what a report of costs gives without a model."""

ASKED_MAX = 500


class Stretch(NamedTuple):
    """Days, as instants: from inclusive, until exclusive."""

    from_ns: int
    until_ns: int


@dataclass(slots=True)
class Books:
    """The cells of the books.

    Attributes:
        begun: By the day on which attempts began.
        ended: The same by the day on which they ended, of cells where that makes a difference.
    """

    begun: dict[CellKey, Booked] = field(default_factory=dict)
    ended: dict[CellKey, Booked] = field(default_factory=dict)


def read_books(
    connection: Connection,
    deployments: Mapping[str, Deployment],
    book: PriceBook,
    stretch: Stretch,
    zone: tzinfo,
) -> Books:
    """Return the cells of some days.

    Args:
        connection: To the store.
        deployments: Those of the provider, by id.
        book: Names models.
        stretch: Which attempts, by when they began.
        zone: Where days begin.
    """
    names = _Names(deployments, book, zone)
    columns = attempts.c
    wanted = (
        *(columns.attempt, columns.at_ns, columns.ended_ns, columns.deployment),
        *(columns.served_model, columns.state, columns.posted_nanos, columns.adjusted_nanos),
        *(columns.hold_nanos, columns.usage, columns.lines, columns.reason),
    )
    query = select(*wanted).where(
        columns.at_ns >= stretch.from_ns,
        columns.at_ns < stretch.until_ns,
        columns.deployment.in_(sorted(deployments)),
        columns.state != "void",
    )
    found = Books()
    crossed: list[tuple[CellKey, CellKey, RowMapping]] = []
    for row in connection.execute(query).mappings():
        key = names.key(row, row["at_ns"])
        _add(found.begun, key, row, names)
        end = names.key(row, row["ended_ns"] or row["at_ns"])
        if end != key:
            crossed.append((key, end, row))
    _count_corrections(connection, found.begun)
    touched = {key for keys in crossed for key in keys[:2]}
    found.ended = {key: _copy(found.begun.get(key, Booked())) for key in touched}
    for key, end, row in crossed:
        _add(found.ended, key, row, names, sign=-1)
        _add(found.ended, end, row, names)
    return found


class _Names:
    """Names cells; an attempt that no reply named a model of is its deployment's."""

    def __init__(
        self, deployments: Mapping[str, Deployment], book: PriceBook, zone: tzinfo
    ) -> None:
        self._deployments = deployments
        self._book = book
        self._zone = zone
        self._models: dict[tuple[str, str | None], tuple[str, str]] = {}

    def key(self, row: RowMapping, at_ns: int) -> CellKey:
        about = (row["deployment"], row["served_model"])
        sold = self._models.get(about)
        if sold is None:
            deployment = self._deployments[row["deployment"]]
            model = row["served_model"] or deployment.priced_as
            priced = self._book.priced_as(deployment.seller, model) or model
            sold = self._models[about] = (deployment.seller, priced)
        return CellKey(*sold, to_datetime(at_ns).astimezone(self._zone).date().isoformat())

    def estimate(self, key: CellKey, row: RowMapping) -> Estimate:
        """Return an attempt that was posted at a bound, with its surcharges."""
        share = self._book.surcharge_femto(key.seller, key.model, row["at_ns"])
        net = row["posted_nanos"] + row["adjusted_nanos"]
        return Estimate(row["attempt"], row["hold_nanos"], net, share_femto=share)


def _copy(booked: Booked) -> Booked:
    return replace(booked, estimates=list(booked.estimates))


def _add(
    cells: dict[CellKey, Booked], key: CellKey, row: RowMapping, names: _Names, sign: int = 1
) -> None:
    """Count an attempt in its cell (`sign` -1: take it out again)."""
    net = row["posted_nanos"] + row["adjusted_nanos"]
    usage = usage_of_row(row)
    if row["state"] == "measured" and not net and not usage:
        # A failure: neither side has it.
        return
    cell = cells.setdefault(key, Booked())
    if row["state"] == "held":
        cell.running += sign
        return
    if row["state"] == "estimated" and not usage:
        estimate = names.estimate(key, row)
        if sign > 0:
            cell.estimates.append(estimate)
        else:
            cell.estimates.remove(next(e for e in cell.estimates if e.attempt == estimate.attempt))
        return
    cell.calls += sign
    counts = zip(METERS, cell.usage, strict=True)
    cell.usage = Usage(*(count + sign * usage.get(meter, 0) for meter, count in counts))
    if row["state"] != "measured":
        # Its usage is known, and its price was not.
        cell.unpriced += sign
    lines = lines_of_row(row)
    own = [line for line in lines if line.meter != SURCHARGE]
    tools = sum(line.amount_nanos for line in own if line.meter in TOOLS)
    cell.lines += sign * len(own)
    cell.money_nanos += sign * (net - _surcharges(lines, row["adjusted_nanos"]) - tools)
    cell.tools_nanos += sign * tools


def _surcharges(lines: Collection[ChargeLine], adjusted_nanos: int) -> int:
    """Return what comes on top of what the provider charges, corrections with their part."""
    on_top = [line for line in lines if line.meter == SURCHARGE]
    share = sum(line.price_femto for line in on_top)
    part = adjusted_nanos - before_surcharges(adjusted_nanos, share)
    return sum(line.amount_nanos for line in on_top) + part


def _count_corrections(connection: Connection, cells: Mapping[CellKey, Booked]) -> None:
    ids = sorted(each.attempt for cell in cells.values() for each in cell.estimates)
    counts = dict(_counts(connection, ids))
    for cell in cells.values():
        cell.estimates = [
            each._replace(corrections=counts.get(each.attempt, 0)) for each in cell.estimates
        ]


def _counts(connection: Connection, ids: Collection[str]) -> Iterator[tuple[str, int]]:
    ordered = list(ids)
    for at in range(0, len(ordered), ASKED_MAX):
        column = adjustment.c.attempt
        query = select(column, func.count()).where(column.in_(ordered[at : at + ASKED_MAX]))
        for row in connection.execute(query.group_by(column)):
            yield row[0], row[1]
