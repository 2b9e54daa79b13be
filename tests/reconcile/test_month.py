"""A month of synthetic invoices: every planted difference is found and named, and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace as altered
from sqlalchemy import Engine

from headgate.catalog.prices import PriceBook
from headgate.catalog.spans import Span
from headgate.catalog.surcharges import Surcharge
from headgate.insights.books import check_books
from headgate.ledger.keeper_adjustments import adjust
from headgate.reconcile.cells import CellKey, Reason, Verdict
from headgate.reconcile.load_books import Stretch, read_books
from headgate.reconcile.load_reports import read_reports
from headgate.reconcile.reconciling import Reconciled, reconcile
from headgate.records.charge import SURCHARGE, ChargeLine
from headgate.records.journal import HoldRecord, Record, SettleRecord
from headgate.units.instants import from_datetime
from tests.reconcile.month import fill, make_month
from tests.reconcile.traffic import BOOK, DAYS, DEPLOYMENTS, FIRST, HOUR_NS
from tests.torture.checker import check

START_NS = from_datetime(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC))
FETCHED_NS = START_NS + (DAYS * 24 + 12) * HOUR_NS
SURCHARGES = tuple(
    Surcharge(f"{seller}-fee", seller, 55_000, Span(0, 0)) for seller in ("anthropic", "openai")
)


def compare(engine: Engine, folder: Path, book: PriceBook = BOOK) -> Mapping[str, Reconciled]:
    """Compare the reports in a folder with the books."""
    reports = read_reports(sorted(folder.glob("*.json")), fetched_ns=FETCHED_NS)
    stretch = Stretch(START_NS, START_NS + timedelta(days=DAYS) // timedelta(hours=1) * HOUR_NS)
    found = {}
    for seller, each in reports.items():
        deployments = {name: one for name, one in DEPLOYMENTS.items() if one.seller == seller}
        with engine.connect() as connection:
            books = read_books(connection, deployments, book, stretch, UTC)
        found[seller] = reconcile(
            each, books, book, zone=UTC, settle_ns=24 * HOUR_NS, source="a report"
        )
    return found


def differing(found: Mapping[str, Reconciled]) -> dict[CellKey, str]:
    """Return every cell that does not agree, with its reason."""
    verdicts: list[Verdict] = [each for one in found.values() for each in one.verdicts]
    return {each.key: each.reason for each in verdicts if each.reason != "agreed"}


@pytest.mark.parametrize("seed", [1, 2])
def test_every_planted_difference_is_found_and_named(tmp_path: Path, seed: int) -> None:
    """Each cell with a difference has its reason, and each other one agrees."""
    month = make_month(seed)
    engine, _keeper = fill(tmp_path, month)

    found = differing(compare(engine, tmp_path))

    assert found == month.expected
    assert set(found.values()) == set(get_args(Reason)) - {"agreed"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_over_many_months(tmp_path: Path, seed: int) -> None:
    """The same over fifty more of them."""
    month = make_month(seed)
    engine, _keeper = fill(tmp_path, month)

    assert differing(compare(engine, tmp_path)) == month.expected


def test_corrected_by_the_reports_the_estimates_are_exact_once(tmp_path: Path) -> None:
    """What was a bound becomes what the provider charged; the same reports change nothing more."""
    month = make_month(4)
    engine, keeper = fill(tmp_path, month)

    first = compare(engine, tmp_path)
    wanted = [one for each in first.values() for one in each.adjustments]
    made = adjust(keeper, engine, wanted, by="t", epoch="e1", at_ns=9)
    second = compare(engine, tmp_path)

    assert (made.made, made.refused) == (len(wanted), ())
    estimated = {key for key, reason in month.expected.items() if reason == "estimated_rows"}
    assert differing(second) == {k: v for k, v in month.expected.items() if k not in estimated}
    assert not [one for each in second.values() for one in each.adjustments]
    targets = {
        each.key: each.target_nanos
        for one in first.values()
        for each in one.verdicts
        if each.key in estimated
    }
    assert all(abs((targets[key] or 0) - month.truth[key]) <= 10 for key in estimated)
    assert check_books(engine, tmp_path / "journal").equal
    assert not check(tmp_path).problems


def test_a_surcharge_is_no_difference_and_is_on_what_is_corrected(tmp_path: Path) -> None:
    """No report has it: the same cells differ, and estimates come to their truth and it."""
    month, book = make_month(4), replace(BOOK, surcharges=SURCHARGES)
    month.records = list(_with_fees(month.records))
    engine, keeper = fill(tmp_path, month)

    first = compare(engine, tmp_path, book)
    wanted = [one for each in first.values() for one in each.adjustments]
    adjust(keeper, engine, wanted, by="t", epoch="e1", at_ns=9)
    second = compare(engine, tmp_path, book)

    assert differing(first) == month.expected
    targets = {one.key: one.target_nanos for each in first.values() for one in each.verdicts}
    for key in {key for key, reason in month.expected.items() if reason == "estimated_rows"}:
        assert abs((targets[key] or 0) - (truth := month.truth[key]) - truth * 55 // 1000) <= 11
    assert not [one for each in second.values() for one in each.adjustments]
    agreed = [one for each in second.values() for one in each.verdicts if one.reason == "agreed"]
    assert all(abs(one.booked_nanos - (one.told_nanos or 0)) <= 10 for one in agreed)


def _with_fees(records: list[Record]) -> Iterator[Record]:
    """Yield a month's records as they are with 5.5 percent on top of everything."""
    for each in records:
        if isinstance(each, HoldRecord) or (isinstance(each, SettleRecord) and not each.lines):
            yield altered(each, amount_nanos=each.amount_nanos + each.amount_nanos * 55 // 1000)
        elif isinstance(each, SettleRecord):
            base = each.amount_nanos
            fee = (base * 55 + 500) // 1000
            line = ChargeLine(SURCHARGE, base, 55_000, fee, "surcharge/openai-fee")
            yield altered(each, amount_nanos=base + fee, lines=(*each.lines, line))
        else:
            yield each
