"""Statements: sums that equal the books, and what is rounded is rounded once, for show."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from headgate.exports.statement import Of, Statement, month_of, statement
from headgate.exports.statement_page import as_csv, as_page, cents, view
from headgate.ledger.tables import adjustment, attempt
from headgate.units.instants import to_iso
from tests.console.books import Books

BERLIN = ZoneInfo("Europe/Berlin")


def made(books: Books, team: str, month: str = "2026-11") -> Statement:
    """Return a team's statement."""
    of = Of("acme", team, month, BERLIN, books.snapshot.budgets.values())
    with books.reading.connect() as connection:
        return statement(connection, of)


def test_all_teams_together_are_the_books(planted: Books) -> None:
    """Every charge and every correction of an attempt stands on one statement."""
    found = [made(planted, team) for team in ("research", "sales")]
    of_attempts = adjustment.c.attempt.is_not(None)
    with planted.reading.connect() as connection:
        posted = connection.scalar(select(func.sum(attempt.c.posted_nanos)))
        corrected = connection.scalar(
            select(func.sum(adjustment.c.amount_nanos)).where(of_attempts)
        )

    assert sum(each.charged_nanos for each in found) == posted
    assert sum(each.corrected_nanos for each in found) == corrected
    assert sum(each.total_nanos for each in found) == posted + corrected
    for each in found:
        assert sum(who.amount_nanos for who in each.principals) == each.charged_nanos


def test_a_month_opens_with_what_the_last_one_closed_with(planted: Books) -> None:
    """So that statements laid end to end leave nothing out."""
    october, november, december = (
        made(planted, "sales", month) for month in ("2026-10", "2026-11", "2026-12")
    )

    assert (october.total_nanos, october.closing_nanos) == (0, 0)
    assert november.opening_nanos == october.closing_nanos
    assert december.opening_nanos == november.closing_nanos != 0


def test_a_month_is_the_organisations() -> None:
    """Summer time ends in it: it begins two hours before UTC's and ends one before."""
    october = month_of("2026-10", BERLIN)
    assert october.from_ns is not None
    assert october.until_ns is not None

    assert to_iso(october.from_ns) == "2026-09-30T22:00:00.000Z"
    assert to_iso(october.until_ns) == "2026-10-31T23:00:00.000Z"
    assert month_of("2026-12", BERLIN).until_ns == month_of("2027-01", BERLIN).from_ns


def test_it_says_what_was_refused_what_runs_and_how_budgets_stand(planted: Books) -> None:
    """And which part is estimated, and what corrects it."""
    research, sales = made(planted, "research"), made(planted, "sales")

    assert research.refused == (("budget_exceeded", 1),)
    assert (research.running, sales.running) == (1, 0)
    assert [each.budget for each in research.budgets] == ["research-month"]
    assert research.budgets[0].period == "2026-11"
    assert sales.estimated_nanos == 90_000_000
    assert [each.reason for each in sales.corrections] == ["reconciled"]


def test_lines_of_csv_add_up_exactly(planted: Books) -> None:
    """Opening, charges and corrections come to what it closes with."""
    shown = view(made(planted, "sales"))
    rows = list(csv.DictReader(as_csv(shown).decode().splitlines()))
    *lines, closing = (Decimal(row["amount_usd"]) for row in rows)

    assert sum(lines) == closing == Decimal(shown.closing)
    assert {row["kind"] for row in rows} == {"opening", "charge", "correction", "closing"}


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1234.565000000", "1,234.57"), ("0.004999999", "0.00"), ("-0.005000000", "-0.01")],
)
def test_a_total_is_rounded_to_cents_for_show(amount: str, shown: str) -> None:
    """Half up, away from nought; the exact amount stands beside it."""
    assert cents(amount) == shown


def test_a_page_needs_nothing_else_and_escapes_names(planted: Books) -> None:
    """No script, no address; a model's name comes from outside."""
    shown = view(made(planted, "sales"))
    evil = [replace(each, model="<script>") for each in shown.charges]
    page = as_page(replace(shown, charges=evil))

    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page
    assert shown.total in page


def test_the_command_writes_pages_and_lines(headgate: Any, tmp_path: Path) -> None:
    """And prints a table, or JSON with the same sums; a wrong month or team names the fix."""
    whose = ("statement", "--team", "research", "--month", "2025-11")
    told = json.loads(headgate(*whose, "--json").stdout)
    page = headgate(*whose, "-o", str(tmp_path / "s.html"))
    text = headgate(*whose, "-o", str(tmp_path / "s.csv"))

    assert (page.exit_code, text.exit_code) == (0, 0)
    assert told["total"] == "0.071000000"
    assert told["total"] in (tmp_path / "s.html").read_text()
    assert told["closing"] in (tmp_path / "s.csv").read_text()
    assert "0.071000000" in headgate(*whose).stdout
    for wrong, fix in (
        (("--team", "nobody", "--month", "2025-11"), "Use one of"),
        (("--team", "research", "--month", "autumn"), "--month 2026-10"),
        ((*whose[1:], "-o", "s.pdf"), ".html or .csv"),
    ):
        done = headgate("statement", *wrong)
        assert done.exit_code == 2
        assert fix in done.stderr


def test_every_team_has_a_file_of_its_own(headgate: Any, tmp_path: Path) -> None:
    """A month is handed on in one command, and the files' sums are the books'."""
    every = ("statement", "--team", "*", "--month", "2025-11")

    done = headgate(*every, "-o", str(tmp_path / "{team}.csv"))
    whole = headgate("report", "--since", "2025-11-01", "--until", "2025-12-01", "--json")

    assert done.exit_code == 0, done.output
    assert {path.stem for path in tmp_path.glob("*.csv")} == {"default", "research"}
    totals = [line.split(": ")[1].removesuffix(" dollars") for line in done.stdout.splitlines()]
    assert sum(map(Decimal, totals)) == Decimal(json.loads(whole.stdout)["spend"])
    for wrong in (("-o", str(tmp_path / "all.csv")), ("--json",), ()):
        refused = headgate(*every, *wrong)
        assert refused.exit_code == 2
        assert "Name files: -o '2025-11-{team}.csv'." in refused.stderr
