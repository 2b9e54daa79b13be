"""A month of synthetic invoices: every planted difference is found and named, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import Engine

from headgate.insights.books import check_books
from headgate.ledger.keeper_adjustments import adjust
from headgate.reconcile.cells import CellKey, Reason, Verdict
from headgate.reconcile.load_books import Stretch, read_books
from headgate.reconcile.load_reports import read_reports
from headgate.reconcile.reconciling import Reconciled, reconcile
from headgate.units.instants import from_datetime
from tests.reconcile.month import fill, make_month
from tests.reconcile.traffic import BOOK, DAYS, DEPLOYMENTS, FIRST, HOUR_NS
from tests.torture.checker import check

START_NS = from_datetime(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC))
FETCHED_NS = START_NS + (DAYS * 24 + 12) * HOUR_NS


def compare(engine: Engine, folder: Path) -> Mapping[str, Reconciled]:
    """Compare the reports in a folder with the books."""
    reports = read_reports(sorted(folder.glob("*.json")), fetched_ns=FETCHED_NS)
    stretch = Stretch(START_NS, START_NS + timedelta(days=DAYS) // timedelta(hours=1) * HOUR_NS)
    found = {}
    for seller, each in reports.items():
        deployments = {name: one for name, one in DEPLOYMENTS.items() if one.seller == seller}
        with engine.connect() as connection:
            books = read_books(connection, deployments, BOOK, stretch, UTC)
        found[seller] = reconcile(
            each, books, BOOK, zone=UTC, settle_ns=24 * HOUR_NS, source="a report"
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
