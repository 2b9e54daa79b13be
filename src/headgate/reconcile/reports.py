"""From reports as they were read to cells; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.record import Bill, Findings, Found
from headgate.reconcile.cells import CellKey, Told
from headgate.units.instants import from_datetime, to_datetime
from headgate.units.usage import Usage

CENT_NANOS = 10_000_000
"""No report rounds coarser than this."""

DAYS_MAX = 400


USAGE, COSTS = "usage", "costs"


class Covered(NamedTuple):
    """A stretch of time that a report tells about, as instants.

    Attributes:
        kind: `USAGE` or `COSTS`; "" of a report that has nothing to tell.
    """

    start_ns: int
    end_ns: int
    fetched_ns: int
    kind: str


@dataclass(slots=True)
class Reports:
    """What reports of one seller tell.

    Attributes:
        seller: Whose.
        fetched_ns: When the latest of them was made.
        usage: By what makes two results the same; the fuller one counts.
        counted: By the same, how many calls that is, where it is told.
        bills: Likewise; the later one counts.
        covered: What time each report tells about.
        trouble: What could not be read, in sentences.
    """

    seller: str
    fetched_ns: int = 0
    usage: dict[str, Found] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    bills: dict[tuple[int, int, str], Bill] = field(default_factory=dict)
    covered: list[Covered] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def take(self, findings: Findings, fetched_ns: int) -> None:
        """Add what was read of one report; later ones are to be taken later."""
        self.fetched_ns = max(self.fetched_ns, fetched_ns)
        kind = USAGE if findings.usage else COSTS if findings.bills else ""
        self.covered += [Covered(*span, fetched_ns, kind) for span in findings.covered]
        for found in findings.usage:
            known = self.usage.get(found.reply)
            if known is None or found.rank >= known.rank:
                self.usage[found.reply] = found
                if found.reply in findings.counted:
                    self.counted[found.reply] = findings.counted[found.reply]
        for bill in findings.bills:
            self.bills[bill.start_ns, bill.end_ns, bill.item] = bill
        if findings.tally.broken or findings.tally.foreign:
            self.trouble += findings.tally.samples

    def days(self, zone: tzinfo) -> list[date]:
        """Return the days that anything is told of, in order."""
        spans = [each[:2] for each in self.covered]
        spans = spans or [(found.at_ns, found.at_ns + 1) for found in self.usage.values()]
        found: set[date] = set()
        for start_ns, end_ns in spans:
            day, last = _day(start_ns, zone), _day(max(start_ns, end_ns - 1), zone)
            while day <= last and len(found) < DAYS_MAX:
                found.add(day)
                day += timedelta(days=1)
        return sorted(found)

    def is_settled(self, day: date, zone: tzinfo, settle_ns: int) -> bool:
        """Tell whether a day is told about from its beginning to its end, when it was over.

        Of each kind of report that has something of the day, only what was made so long after
        its end counts: an older one may lack what came late.
        """
        start_ns, end_ns = day_ns(day, zone)
        if not self.covered:
            return self.fetched_ns >= end_ns + settle_ns
        late = [each for each in self.covered if each.fetched_ns >= end_ns + settle_ns]
        kinds = self._kinds(start_ns, end_ns)
        if not kinds:
            return _is_whole(late, start_ns, end_ns)
        return all(
            _is_whole([each for each in late if each.kind in (kind, "")], start_ns, end_ns)
            for kind in kinds
        )

    def _kinds(self, start_ns: int, end_ns: int) -> set[str]:
        """Return which kinds of reports have something of a stretch."""
        found: set[str] = set()
        if any(start_ns <= each.started_ns < end_ns for each in self.usage.values()):
            found.add(USAGE)
        if any(start_ns <= each.start_ns < end_ns for each in self.bills.values()):
            found.add(COSTS)
        return found


def _is_whole(spans: Iterable[Covered], at_ns: int, until_ns: int) -> bool:
    for each in sorted(spans):
        if each.start_ns <= at_ns < each.end_ns:
            at_ns = each.end_ns
    return at_ns >= until_ns


def day_ns(day: date, zone: tzinfo) -> tuple[int, int]:
    """Return when a day begins and when it is over, in a zone."""
    following = day + timedelta(days=1)
    start, end = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, following))
    return from_datetime(start), from_datetime(end)


def told_cells(reports: Reports, book: PriceBook, zone: tzinfo = UTC) -> dict[CellKey, Told]:
    """Return the cells of reports, priced by the price book where they tell usage."""
    pricer = Pricer(book.without_surcharges())
    cells: dict[CellKey, Told] = {}
    for found in reports.usage.values():
        key = _key(reports.seller, found.model, found.started_ns, book, zone)
        cell = cells.setdefault(key, Told(calls=0))
        counted = reports.counted.get(found.reply)
        cell.calls = None if counted is None or cell.calls is None else cell.calls + counted
        _add_usage(cell, found._replace(seller=reports.seller), pricer)
    for bill in reports.bills.values():
        key = _key(reports.seller, _model_of(bill), bill.start_ns, book, zone)
        cell = cells.setdefault(key, Told())
        cell.bill_nanos = (cell.bill_nanos or 0) + bill.amount_nanos
        cell.unit_nanos += unit_of(bill.amount_nanos)
    return cells


def _add_usage(cell: Told, found: Found, pricer: Pricer) -> None:
    cell.usage = Usage(*map(sum, zip(cell.usage or Usage(), found.usage, strict=True)))
    cell.tiers |= {found.tier}
    # Searches are told without a model where costs are told.
    priced = pricer.price(found._replace(usage=found.usage._replace(web_search=0)))
    if priced.cost_nanos is None or priced.cost_high_nanos is None:
        cell.low_nanos = cell.high_nanos = None
    if cell.low_nanos is not None and cell.high_nanos is not None:
        cell.low_nanos += priced.cost_nanos or 0
        cell.high_nanos += priced.cost_high_nanos or 0


def _key(seller: str, model: str, at_ns: int, book: PriceBook, zone: tzinfo) -> CellKey:
    priced = book.priced_as(seller, model) or model
    return CellKey(seller, priced, _day(at_ns, zone).isoformat())


def _day(at_ns: int, zone: tzinfo) -> date:
    return to_datetime(at_ns).astimezone(zone).date()


def _model_of(bill: Bill) -> str:
    """Return the model of a line of costs: OpenAI's name it before a comma."""
    if bill.model:
        return bill.model
    head, comma, _rest = bill.item.partition(",")
    return head if comma and " " not in head else ""


def unit_of(amount_nanos: int) -> int:
    """Return the last digit an amount was written with: half of it may have been rounded away."""
    unit = 1
    while unit < CENT_NANOS and amount_nanos % (unit * 10) == 0:
        unit *= 10
    return unit
