"""`headgate reconcile`: what a person is told, and what is kept, without a node."""

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.insights.books import check_books
from headgate.node.paths import journal_root
from headgate.store.database import open_store_readonly
from tests.cli.conftest import Headgate

HEAD = "at,seller,model,amount_usd\n"
DAY, NEXT_DAY, LATER = "2025-11-10", "2025-11-11", "2025-11-20"


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """A report of the day on which the books have 0.011 measured and a bound of 0.06."""
    path = tmp_path / "bill.csv"
    path.write_text(f"{HEAD}{DAY},openai,gpt-5.5,0.02\n")
    return path


def found(headgate: Headgate, *arguments: str) -> dict[str, Any]:
    """Return what the command prints for machines."""
    result = headgate("reconcile", *arguments, "--json")
    assert result.exit_code == 0, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_an_estimate_is_corrected_once(headgate: Headgate, bill: Path, books: Path) -> None:
    """Shown first, made with --apply, and the same report again changes nothing."""
    shown = found(headgate, str(bill), "--fetched", LATER)
    made = found(headgate, str(bill), "--fetched", LATER, "--apply")
    again = found(headgate, str(bill), "--fetched", LATER, "--apply")

    assert [cell["reason"] for cell in shown["cells"]] == ["estimated_rows"]
    assert (shown["corrections"]["wanted"], shown["corrections"]["made"]) == (1, 0)
    assert made["corrections"]["made_amount"] == "-0.051000000"
    assert [cell["reason"] for cell in made["cells"]] == ["agreed"]
    assert (again["corrections"]["wanted"], again["drift"][0]["drift"]) == (0, "0.000000000")
    assert found(headgate)["cells"] == again["cells"]
    engine = open_store_readonly(books / "data")
    assert check_books(engine, journal_root(books / "data")).equal
    engine.dispose()
    explained = json.loads(headgate("explain", "call_b", "--json").stdout)
    assert (explained["posted"], explained["adjusted"]) == ("0.060000000", "-0.051000000")
    assert explained["adjustments"][0]["reason"] == "reconciled"


def test_people_are_told_what_differs_and_what_to_do(headgate: Headgate, bill: Path) -> None:
    """A table of what does not agree, sums, and how to correct it; then calls and receipts."""
    shown = headgate("reconcile", str(bill), "--fetched", LATER)
    made = headgate("reconcile", str(bill), "--fetched", LATER, "--apply", "--all")

    assert "estimated_rows" in shown.stdout
    assert "--apply makes these corrections" in shown.stdout
    assert "made now 1, -0.051000000 USD" in made.stdout
    assert "agreed" in made.stdout
    assert "-0.051000000" in headgate("calls").stdout
    assert "-0.051000000" in headgate("report").stdout
    receipt = headgate("explain", "call_b").stdout
    assert "Corrected" in receipt
    assert "Adjusted since -0.051000000 USD" in receipt


def test_a_file_is_of_its_own_time(headgate: Headgate, bill: Path) -> None:
    """Without --fetched the file's time counts: one made on the day itself concludes nothing."""
    assert [cell["reason"] for cell in found(headgate, str(bill))["cells"]] == ["estimated_rows"]
    assert [cell["reason"] for cell in found(headgate, str(bill), "--fetched", DAY)["cells"]] == [
        "late"
    ]


def test_a_day_on_which_a_call_still_runs_is_late(headgate: Headgate, bill: Path) -> None:
    """Whatever the report says of it."""
    bill.write_text(f"{HEAD}{NEXT_DAY},openai,gpt-5.4-mini,0.02\n")

    [cell] = found(headgate, str(bill), "--fetched", LATER)["cells"]

    assert (cell["day"], cell["reason"]) == (NEXT_DAY, "late")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("no,report\n1,2\n", (), "not a provider's own report"),
        (f"{HEAD}{DAY},nobody,m,1\n", (), "No provider of the configuration sells what 'nobody'"),
        (f"{HEAD}{DAY},openai,m,1\n", ("--provider", "opnai"), "Did you mean 'openai'?"),
        (f"{HEAD}{DAY},openai,m,1\n", ("--fetched", "soon"), "is not a date"),
    ],
)
def test_what_cannot_be_compared_is_told_with_a_fix(
    headgate: Headgate, bill: Path, text: str, options: tuple[str, ...], words: str
) -> None:
    """No report, nobody's report, a provider that is not there, a date that is none."""
    bill.write_text(text)

    result = headgate("reconcile", str(bill), *options)

    assert result.exit_code != 0
    assert words in result.stderr


def test_bad_rows_of_a_report_are_told(headgate: Headgate, bill: Path) -> None:
    """What can be read is compared, what cannot is described without what it says."""
    bill.write_text(f"{HEAD}{DAY},openai,gpt-5.5,0.02\n{DAY},openai,gpt-5.5,much\n")

    shown = found(headgate, str(bill), "--fetched", LATER)

    assert [cell["reason"] for cell in shown["cells"]] == ["estimated_rows"]
    assert len(shown["trouble"]) == 1


def test_before_anything_was_compared_the_way_is_shown(headgate: Headgate) -> None:
    """The status of books that were never compared says what to do."""
    assert "headgate reconcile FILE..." in headgate("reconcile").stdout
