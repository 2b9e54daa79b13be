"""`report --csv` and `usage --csv`: exact figures, and nothing in them that a sheet would run."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from headgate.cli.csv_text import print_csv
from headgate.cli.main import app
from headgate.ledger import tables
from headgate.store.migrate import open_store

HEAD = "id,at,seller,model,input,cache_read,output,seat,session,project"


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of CSV by their header."""
    return list(csv.DictReader(io.StringIO(text)))


def test_a_report_as_csv_says_what_its_json_says(headgate: Any) -> None:
    """The same groups in the same order, with amounts as exact decimals."""
    told = json.loads(headgate("report", "--by", "team", "--json").stdout)["by"]
    rows = rows_of(headgate("report", "--by", "team", "--csv").stdout)

    assert [row.pop("team") for row in rows] == [each.pop("name") for each in told]
    assert rows == [{name: str(value) for name, value in each.items()} for each in told]
    assert sum(Decimal(row["spend"]) for row in rows) == Decimal("0.071")


def test_a_group_without_a_name_has_an_empty_cell(headgate: Any) -> None:
    """Calls that name no run are none of a run `None` or `-`."""
    rows = rows_of(headgate("report", "--by", "run", "--csv").stdout)

    assert {row["run"] for row in rows} == {"", "r42"}


def test_a_report_of_nothing_has_its_header(headgate: Any) -> None:
    """A script that reads columns finds them."""
    shown = headgate("report", "--csv", "--since", "2030-01-01")

    assert shown.exit_code == 0
    assert shown.stdout.startswith("principal,calls,refused,spend,adjusted,")
    assert len(shown.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "name",
    ['=HYPERLINK("http://x","y")', "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1"],
)
def test_a_name_that_begins_as_a_formula_is_text(headgate: Any, books: Path, name: str) -> None:
    """A provider that says its model is a formula runs nothing in the sheet of who reads it."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        connection.execute(update(tables.attempt).values(served_model=name))
    engine.dispose()

    rows = rows_of(headgate("report", "--by", "model", "--csv").stdout)

    (shown,) = (row["model"] for row in rows if row["model"])
    assert shown[0] == "'" and shown[2:] == name[1:]


@pytest.mark.parametrize("name", ["x;=1+1", 'x;"=1+1"', "x;y;@SUM(1)"])
def test_a_formula_behind_a_semicolon_is_text(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A sheet that parts cells by semicolons runs nothing either, quoted or not."""
    print_csv(("amount", "model"), [(1, name)])

    row = capsys.readouterr().out.splitlines()[1]
    cells = [each.lstrip('"') for each in row.split(";")]
    assert not any(each.startswith(("=", "@")) for each in cells)


def test_what_steers_a_terminal_or_breaks_a_line_is_shown_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A row is a line, whoever named what is in it; numbers below zero stay numbers."""
    print_csv(
        ("name", "amount", "of"), [("a\x1b]0;b\nc", "-0.500000000", ["x", "y"]), (None, -3, [])]
    )

    assert capsys.readouterr().out == "name,amount,of\na?]0;b?c,-0.500000000,x y\n,-3,\n"


def test_usage_as_csv_has_a_column_for_each_meter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups in groups name each side on every row; meters that were not used are 0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADGATE_DATA_DIR", raising=False)
    lines = (
        HEAD,
        "1,2026-06-01T22:30:00Z,openai,gpt-5.5,1000,400,100,=ann,s1,shop",
        "2,2026-06-02T22:30:00Z,openai,gpt-5.5,3000,0,0,=ann,s1,shop",
    )
    Path("calls.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(app, ["import", "calls.csv"]).exit_code == 0

    sides = ["usage", "--by", "seat", "--by", "day"]
    rows = rows_of(runner.invoke(app, [*sides, "--csv"]).stdout)
    told = json.loads(runner.invoke(app, [*sides, "--json"]).stdout)["groups"]

    assert [(row["seat"], row["day"]) for row in rows] == [
        ("'=ann", "2026-06-01"),
        ("'=ann", "2026-06-02"),
    ]
    assert [row["cost"] for row in rows] == [each["cost"] for each in told]
    assert [(row["input_uncached"], row["cache_read"], row["web_search"]) for row in rows] == [
        ("1000", "400", "0"),
        ("3000", "0", "0"),
    ]
    assert {row["models"] for row in rows} == {"gpt-5.5"}
