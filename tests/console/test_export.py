"""Tables as files: complete, exact, and harmless in a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.console.pages import calls as calls_page
from headgate.exports import files
from tests.console.books import Books

NAMED = 'attachment; filename="headgate-calls.csv"'
FORMULA = '=HYPERLINK("http://evil.example")'


@given(st.text())
def test_no_cell_is_a_formula(value: str) -> None:
    """Whatever a client calls its run: a spreadsheet shows it, and the text is all there."""
    cell = files.cell(value)

    assert cell.replace("'", "") == value.replace("'", "")
    assert len(cell) <= len(value) + 1 + value.count(";")
    first, *behind = cell.split(";")
    for part in (first, *(each.lstrip('"') for each in behind)):
        assert not part or part[0] not in "=+-@\t\r\n|%" or float(cell) <= 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        ("-0.000000001", "-0.000000001"),
        ("-1+2", "'-1+2"),
        (["a", "b"], "a b"),
        ("＝1", "'＝1"),  # noqa: RUF001 - a wide equals sign
    ],
)
def test_values_stay_what_they_are(value: object, expected: str) -> None:
    """Numbers are numbers, nothing is empty, lists are words."""
    assert files.cell(value) == expected


def test_calls_are_exported_whole_and_piece_by_piece(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call once, over as many pieces as it takes; each piece names the next one."""
    monkeypatch.setattr(calls_page, "ROWS_MAX", 2)
    hold = books.hold(asked=FORMULA, run="r1")
    books.settle(hold, {"input_uncached": 1000, "output_text": 37})
    refused = books.refuse(run="r1")
    others = [books.hold(run="r1").call for _ in range(2)]
    books.hold(run="r2")
    books.fold()
    client = books.client()

    rows: list[dict[str, str]] = []
    path: str | None = "/calls.csv?run=r1"
    while path is not None:
        answer = client.get(path)
        assert answer.headers["content-disposition"] == NAMED
        rows += csv.DictReader(io.StringIO(answer.text))
        path = answer.links["next"]["url"] if "next" in answer.links else None

    by_call = {row["call"]: row for row in rows}
    assert len(rows) == len(by_call) == 4
    assert set(by_call) == {hold.call, refused, *others}
    assert by_call[hold.call]["posted"] == "0.001620000"
    assert by_call[hold.call]["usage.output_text"] == "37"
    assert by_call[hold.call]["asked"] == f"'{FORMULA}"
    assert by_call[refused]["refusal.code"] == "budget_exceeded"


def test_a_call_is_exported_line_by_line(books: Books) -> None:
    """Charge lines as CSV, and all that `headgate explain --json` says."""
    hold = books.hold()
    books.settle(hold, {"input_uncached": 1000, "output_text": 37})
    books.fold()
    client = books.client()

    lines = list(csv.DictReader(io.StringIO(client.get(f"/calls/{hold.call}.csv").text)))
    whole = client.get(f"/calls/{hold.call}.json").json()

    assert [(line["meter"], line["amount"]) for line in lines] == [
        ("input_uncached", "0.001250000"),
        ("output_text", "0.000370000"),
    ]
    assert whole["posted"] == "0.001620000"
    assert whole["holds"][0]["attempt"] == hold.attempt


@pytest.mark.parametrize("name", ["budgets", "keys", "prices", "routes", "deployments", "spend"])
def test_both_files_have_the_same_rows(books: Books, name: str) -> None:
    """A row in the CSV for each in the JSON; an alias has one for each candidate."""
    books.settle(books.hold(run="r1"), {"output_text": 500})
    books.fold()
    client = books.client()

    rows = list(csv.DictReader(io.StringIO(client.get(f"/{name}.csv").text)))
    whole = client.get(f"/{name}.json").json()
    if name == "routes":
        whole = [candidate for alias in whole for candidate in alias["candidates"]]

    assert rows
    assert len(rows) == len(whole)
