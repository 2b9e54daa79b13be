"""FOCUS: what was posted, to the nano, in the columns of the specification."""

import csv
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from headgate.exports import focus
from headgate.exports.charges import Alike, Sum, summed, summed_corrections
from headgate.exports.files import csv_bytes
from headgate.exports.focus import VERSIONS, Version
from headgate.exports.parquet import parquet_bytes
from headgate.exports.reading import Known, corrections, ended_attempts
from headgate.insights.totals import Stretch
from headgate.ledger.tables import adjustment, attempt
from headgate.records.charge import SURCHARGE
from headgate.units.instants import from_datetime, to_datetime
from tests.console.books import NOW_NS, Books
from tests.exports.planted import DAY_NS

COLUMNS = {"1.2": 57, "1.4": 65}
"""How many the specification has."""

ALL = Stretch()


def table_of(books: Books, version: Version, stretch: Stretch = ALL) -> focus.Table:
    """Return the data set of some books."""
    deployments = books.snapshot.deployments.values()
    known = {each.id: Known(each.seller, each.region) for each in deployments}
    with books.reading.connect() as connection:
        sums = summed(ended_attempts(connection, stretch))
        sums |= summed_corrections(corrections(connection, stretch))
    return focus.table("acme", sums.items(), known, version)


def rows_of(table: focus.Table) -> list[dict[str, Any]]:
    """Return rows by the names of their columns."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def posted(books: Books) -> Decimal:
    """Return what all attempts were posted at and all corrections add, in dollars."""
    sums = (func.sum(attempt.c.posted_nanos), func.sum(adjustment.c.amount_nanos))
    with books.reading.connect() as connection:
        nanos = sum(connection.scalar(select(each)) or 0 for each in sums)
    return Decimal(nanos) / 10**9


def usage_of(books: Books) -> list[dict[str, Any]]:
    """Return the rows that are no corrections."""
    rows = rows_of(table_of(books, "1.4"))
    return [row for row in rows if row["ChargeCategory"] == "Usage"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_columns_are_those_of_the_specification(planted: Books, version: Version) -> None:
    """As many as it has, each once, by name; those of our own have its prefix for that."""
    names = [column.name for column in focus.columns(version)]
    given = [name for name in names if not name.startswith("x_")]

    assert len(given) == COLUMNS[version]
    assert given == sorted(set(given))
    assert ("ServiceProviderName" in given, "ProviderName" in given) == (
        version == "1.4",
        version == "1.2",
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_billed_is_what_was_posted(planted: Books, version: Version) -> None:
    """To the nano-dollar, estimates included; what still runs is not in it."""
    rows = rows_of(table_of(planted, version))

    assert sum(row["BilledCost"] for row in rows) == posted(planted)
    assert sum(row["EffectiveCost"] for row in rows) == posted(planted)


def test_list_cost_is_price_times_quantity(planted: Books) -> None:
    """Exactly, without rounding, on every row; the price is that of a single unit."""
    for row in usage_of(planted):
        assert row["ListUnitPrice"] * row["PricingQuantity"] == row["ListCost"]
        assert abs(row["ListCost"] - row["BilledCost"]) <= Decimal("5e-10") * row["x_RequestCount"]


def test_an_estimate_is_a_row_of_dollars(planted: Books) -> None:
    """What was posted at a bound has no tokens: its unit is the dollar, and it says so."""
    (row,) = (each for each in rows_of(table_of(planted, "1.2")) if each["x_Estimated"] == "true")

    assert (row["PricingUnit"], row["PricingQuantity"]) == ("USD", Decimal("0.09"))
    assert (row["BilledCost"], row["SubAccountId"]) == (Decimal("0.09"), "sales")


def test_a_surcharge_is_a_share_of_dollars() -> None:
    """Its unit is the dollar and its price the share, so that list cost is price times quantity."""
    alike = Alike("2026-11-01", "red", "ann", "d", "m", SURCHARGE, "surcharge/credit", 55_000)
    row = focus.Charge("acme", alike, Sum(70_000, 3_850, 1), Known("acme"))

    assert (row.unit, row.unit_price) == ("USD", Decimal("0.055"))
    assert row.cost == row.billed == Decimal("0.00000385")


def test_corrections_are_rows_without_a_price(planted: Books) -> None:
    """Signed, of the day they were made, with their team if an attempt is corrected."""
    rows = rows_of(table_of(planted, "1.4"))
    alone, of_sales = (row for row in rows if row["ChargeCategory"] == "Adjustment")

    assert (alone["BilledCost"], alone["SubAccountId"]) == (Decimal("7e-9"), None)
    assert (of_sales["BilledCost"], of_sales["SubAccountId"]) == (Decimal("-0.04"), "sales")
    assert of_sales["x_CorrectionReason"] == "reconciled"
    assert of_sales["ListCost"] == of_sales["ContractedCost"] == Decimal("-0.04")
    assert {of_sales[name] for name in ("SkuId", "PricingQuantity", "ChargeClass")} == {None}


def test_a_correction_of_an_earlier_month_is_of_that_class(planted: Books) -> None:
    """The specification calls only those corrections; others are adjustments of an open month."""
    with planted.reading.connect() as connection:
        found = next(each for each in corrections(connection, ALL) if each.of is not None)
    assert found.of is not None
    earlier = found._replace(of=replace(found.of, at_ns=found.of.at_ns - 31 * DAY_NS))
    sums = summed_corrections([found, earlier])
    rows = rows_of(focus.table("acme", sums.items(), {}, "1.2"))

    assert [row["ChargeClass"] for row in rows] == [None, "Correction"]


def test_a_stretch_takes_its_first_instant_and_not_its_last(planted: Books) -> None:
    """So that months laid end to end have every charge once."""
    midnight = to_datetime(NOW_NS).replace(hour=0, minute=0, second=0, microsecond=0)
    at_ns = from_datetime(midnight)
    early = rows_of(table_of(planted, "1.4", Stretch(None, at_ns)))
    late = rows_of(table_of(planted, "1.4", Stretch(at_ns)))

    assert {row["ChargePeriodStart"] for row in early} == {"2026-11-21T00:00:00Z"}
    assert {row["ChargePeriodStart"] for row in late} == {"2026-11-22T00:00:00Z"}
    assert len(early) + len(late) == len(table_of(planted, "1.4").rows)
    assert late[0]["BillingPeriodEnd"] == "2026-12-01T00:00:00Z"
    assert NOW_NS - DAY_NS < at_ns < NOW_NS


def test_the_same_books_give_the_same_bytes(planted: Books) -> None:
    """As CSV and as Parquet, which say the same."""
    table = table_of(planted, "1.4")
    kinds = {column.name: column.kind for column in table.columns}
    text = csv_bytes(list(kinds), table.rows)
    parquet = parquet_bytes(kinds, table.rows)

    again = table_of(planted, "1.4")
    assert (csv_bytes(list(kinds), again.rows), parquet_bytes(kinds, again.rows)) == (text, parquet)


def test_the_command_writes_a_file(headgate: Any, tmp_path: Path) -> None:
    """CSV, or Parquet where the file ends so; it says what is in it, and what still runs."""
    days = ("--since", "2025-11-10", "--until", "2025-11-12", "--json")
    done = headgate("export", "focus", *days, "-o", str(tmp_path / "a.csv"), "--version", "1.2")
    also = headgate("export", "focus", *days, "-o", str(tmp_path / "a.parquet"))
    told = json.loads(done.stdout)
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))

    assert (done.exit_code, also.exit_code) == (0, 0)
    assert (told["rows"], told["amount"], told["running"]) == (3, "0.071000000", 1)
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("0.071")
    assert pq.read_table(tmp_path / "a.parquet").num_rows == len(rows) == 3


def test_a_stretch_that_ends_before_it_begins_is_refused(headgate: Any, tmp_path: Path) -> None:
    """The command names the fix and writes nothing."""
    file = tmp_path / "a.csv"
    done = headgate(
        "export", "focus", "--since", "2026-01-02", "--until", "2026-01-01", "-o", str(file)
    )

    assert done.exit_code == 2
    assert "is not after" in done.stderr
    assert not file.exists()
