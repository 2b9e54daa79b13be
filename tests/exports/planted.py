"""Books with known charges of two teams: cached prompts, an estimate, a refusal, corrections."""

from pathlib import Path

from headgate.ledger.keeper_adjustments import adjust
from headgate.records.adjustment import Adjustment
from headgate.units.instants import NANOS_PER_SECOND
from tests.console.books import NOW_NS, Books

DAY_NS = 86_400 * NANOS_PER_SECOND


def plant(folder: Path) -> Books:
    """Return books of two UTC days, 21 and 22 November 2026; one call runs yet."""
    books = Books(folder)
    estimate = fill(books)
    wanted = (
        Adjustment("report-1", -40_000_000, "reconciled", "a report", estimate),
        Adjustment("by-hand", 7, "agreed", "a person", windows=("acme-month@2026-11",)),
    )
    adjust(books.keeper, books.engine, wanted, by="user:ann", epoch="e1", at_ns=NOW_NS)
    return books


def fill(books: Books) -> str:
    """Write the two days into books, and fold them; returns the attempt that is estimated."""
    for number in range(3):
        hold = books.hold(NOW_NS - DAY_NS + number * NANOS_PER_SECOND, run="nightly")
        books.settle(hold, {"input_uncached": 1_001 + number, "cache_read": 77, "output_text": 333})
    for number in range(2):
        usage = {"input_uncached": 9_999, "output_text": 1, "output_reasoning": 41 + number}
        books.settle(books.hold(NOW_NS, principal="carol", team="sales"), usage)
    estimate = books.hold(NOW_NS, principal="carol", team="sales")
    books.estimate(estimate, "client_gone")
    books.fail(books.hold(NOW_NS), "rate_limited")
    books.void(books.hold(NOW_NS), "connect_failed")
    books.hold(NOW_NS, hold_nanos=1_000)
    books.refuse(NOW_NS)
    books.fold()
    return estimate.attempt
