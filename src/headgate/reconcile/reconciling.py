"""Reconciling: cells of the books beside cells of reports, each with its verdict; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, tzinfo

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.record import Found
from headgate.reconcile.cells import Booked, CellKey, Told, Verdict
from headgate.reconcile.corrections import corrections
from headgate.reconcile.judging import judge
from headgate.reconcile.load_books import Books
from headgate.reconcile.reports import Reports, day_ns, told_cells
from headgate.records.adjustment import Adjustment
from headgate.records.reconciled import Cell
from headgate.units.usage import Usage


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What came of reconciling the reports of one seller.

    Attributes:
        verdicts: By day and model.
        adjustments: What corrects estimated attempts; only where they account for a cell.
    """

    seller: str
    verdicts: tuple[Verdict, ...]
    adjustments: tuple[Adjustment, ...]

    def cells(self, provider: str, at_ns: int) -> tuple[Cell, ...]:
        """Return it as it is kept."""
        return tuple(
            Cell(
                provider=provider,
                model=each.key.model,
                day=each.key.day,
                reason=each.reason,
                booked_nanos=each.booked_nanos,
                told_nanos=each.told_nanos,
                calls=each.calls,
                told_calls=each.told_calls,
                checked_ns=at_ns,
            )
            for each in self.verdicts
        )


def reconcile(
    reports: Reports,
    books: Books,
    book: PriceBook,
    *,
    zone: tzinfo,
    settle_ns: int,
    source: str,
) -> Reconciled:
    """Compare reports with the books.

    Args:
        reports: Of one seller.
        books: Its cells for at least the days of the reports.
        book: The prices.
        zone: Where days begin.
        settle_ns: How long after its end a day may still change in reports.
        source: What the reports are called in corrections.
    """
    told = told_cells(reports, book, zone)
    tiers = _Tiers(book)
    verdicts: list[Verdict] = []
    wanted: list[Adjustment] = []
    for day in reports.days(zone):
        settled = reports.is_settled(day, zone, settle_ns)
        for key, booked in _cells(reports, day, books, told):
            verdict = judge(
                key,
                booked,
                told.get(key),
                settled=settled,
                ended=books.ended.get(key),
                at_tiers=tiers.costs,
            )
            verdicts.append(verdict)
            if verdict.reason == "estimated_rows" and verdict.target_nanos is not None:
                wanted += corrections(key, verdict.target_nanos, booked.estimates, source)
    return Reconciled(reports.seller, tuple(verdicts), tuple(wanted))


def _cells(
    reports: Reports, day: date, books: Books, told: dict[CellKey, Told]
) -> Iterator[tuple[CellKey, Booked]]:
    """Yield the cells of a day, of either side, and one for what has no model."""
    text = day.isoformat()
    of_day = {
        key for key in (*books.begun, *told, *books.ended) if key[::2] == (reports.seller, text)
    }
    tools = Booked()
    for key in sorted(of_day):
        booked = books.begun.get(key, Booked())
        tools.tools_nanos += booked.tools_nanos
        tools.lines += booked.lines
        if key.model:
            yield key, booked
    alone = CellKey(reports.seller, "", text)
    if alone in told or (tools.tools_nanos and reports.bills):
        yield alone, tools


class _Tiers:
    """What usage costs at the tiers a seller has."""

    def __init__(self, book: PriceBook) -> None:
        self._pricer = Pricer(book.without_surcharges())
        self._book = book

    def costs(self, key: CellKey, usage: Usage) -> tuple[int, ...]:
        rows = self._book.rows_of(key.seller, key.model)
        at_ns = day_ns(date.fromisoformat(key.day), UTC)[0]
        found: list[int] = []
        for tier in sorted({row.tier for row in rows}):
            # A sum of two: the length of single prompts is not known.
            line = Found("", "", 0, at_ns, at_ns, key.model, usage, key.seller, tier, calls=2)
            priced = self._pricer.price(line)
            found += [
                amount
                for amount in (priced.cost_nanos, priced.cost_high_nanos)
                if amount is not None
            ]
        return tuple(found)
