"""Budgets of other kinds on the command line: raised at once, overspent, in the shadow, not yet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from headgate.ledger import tables
from headgate.store.migrate import open_store

RAISE = ("budgets", "raise-now", "launch", "--by", "5", "--reason", "launch evening")


@contextmanager
def writing(books: Path) -> Iterator[Connection]:
    """Change the store."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def add(books: Path, text: str) -> None:
    """Add tables to the configuration."""
    file = books / "headgate.toml"
    file.write_text(f"{file.read_text()}\n{text}\n")


def standing(headgate: Any, name: str) -> dict[str, Any]:
    """Return a budget as `--json` has it."""
    rows = json.loads(headgate("budgets", "--json").stdout)
    found: dict[str, Any] = next(row for row in rows if row["id"] == name)
    return found


def test_a_raise_is_at_once_and_in_the_audit_chain(headgate: Any) -> None:
    """Without a node as well; the list says how much of the limit ends."""
    printed = headgate(*RAISE, "--until", "2099-01-01").stdout

    assert printed == "Raised: launch by 5.000000000 until 2099-01-01T08:00:00.000Z.\n"
    launch = standing(headgate, "launch")
    assert (launch["limit"], launch["raised"]) == ("105.000000000", "5.000000000")
    assert "5.000000000 of the limit is a raise that ends." in headgate("budgets").stdout
    told = json.loads(headgate("audit", "show", "--json").stdout)[0]
    assert (told["action"], told["subject"]) == ("budget.raised", "budget:launch")
    assert told["detail"]["reason"] == "launch evening"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lunch", "--by", "5", "--until", "2099-01-01"), "Did you mean 'launch'?"),
        (("run-cap", "--by", "5", "--until", "2099-01-01"), "Use 'launch'."),
        (("launch", "--by", "five", "--until", "2099-01-01"), "Write dollars: 25.00"),
        (("launch", "--by", "0", "--until", "2099-01-01"), "more than nothing"),
        (("launch", "--by", "5", "--until", "2020-01-01"), "ends later than now"),
    ],
)
def test_a_raise_that_makes_no_sense(headgate: Any, arguments: tuple[str, ...], told: str) -> None:
    """It is told with its fix, and nothing is raised."""
    result = headgate("budgets", "raise-now", *arguments, "--reason", "x")

    assert result.exit_code == 2
    assert told in result.stderr
    assert standing(headgate, "launch")["raised"] == "0.000000000"


def test_what_a_limit_below_the_spend_means(headgate: Any, books: Path) -> None:
    """How much is over, and that every call is refused."""
    file = books / "headgate.toml"
    text = file.read_text()
    assert 'limit_usd = "100.00"' in text
    file.write_text(text.replace('limit_usd = "100.00"', 'limit_usd = "0.10"'))

    shown = headgate("budgets").stdout
    assert "launch: 0.041000000 more than its limit is posted and held; nothing is taken" in shown


def test_a_shadow_tells_what_it_would_have_refused(headgate: Any, books: Path) -> None:
    """Marked in the table, counted below it."""
    add(
        books,
        '[budgets.trial]\nnode = "organisation"\nperiod = "once"\nlimit_usd = "1"\nmode = "shadow"',
    )
    with writing(books) as connection:
        row = {"attempts": 12, "amount_nanos": 3 * 10**9, "first_ns": 1}
        connection.execute(insert(tables.shadow).values(window="trial@once", **row))

    shown = headgate("budgets").stdout
    assert "trial: as a hard limit it would have refused 12 attempts (3.000000000 held)." in shown
    assert "shadow" in shown
    trial = standing(headgate, "trial")
    assert (trial["mode"], trial["would_refuse"]) == ("shadow", 12)
    assert trial["would_refuse_amount"] == "3.000000000"


def test_a_budget_that_is_not_in_force(headgate: Any, books: Path) -> None:
    """It is no row; the list says since when or until when, in the zone of the organisation."""
    late, gone = "starts = 2099-01-01", "ends = 2020-01-01"
    for name, when in (("late", late), ("gone", gone)):
        add(books, f'[budgets.{name}]\nnode = "organisation"\nlimit_usd = "1"\n{when}')

    shown = headgate("budgets").stdout
    assert "late: limits nothing before 2099-01-01T08:00:00.000Z." in shown
    assert "gone: limits nothing since 2020-01-01T08:00:00.000Z." in shown


def test_a_rolling_budget_is_one_row(headgate: Any, books: Path) -> None:
    """All its slots together."""
    add(
        books,
        '[budgets.day]\nnode = "organisation"\nperiod = "rolling"\nhours = 24\nlimit_usd = "1"',
    )

    day = standing(headgate, "day")
    assert (day["period"], day["renews_at"], day["free"]) == ("24h", None, "1.000000000")


def test_a_report_by_tag_counts_a_call_for_each_of_its_tags(headgate: Any, books: Path) -> None:
    """And for none when it has none; the total counts it once."""
    with writing(books) as connection:
        tags = tables.caller.c.id == 1
        values = {"tags": '["feature=search","project=apollo"]'}
        connection.execute(update(tables.caller).where(tags).values(values))

    printed = json.loads(headgate("report", "--by", "tag", "--json").stdout)
    rows = {row["name"]: (row["calls"], row["spend"]) for row in printed["by"]}
    assert rows["feature=search"] == rows["project=apollo"]
    assert rows["feature=search"][0] + rows[None][0] == printed["calls"]
    assert 0 < rows["feature=search"][0] < printed["calls"]
