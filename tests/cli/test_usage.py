"""`headgate usage`: what imported logs come to, by day, model, session and more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app

Run = Callable[..., Result]

HEAD = "id,at,seller,model,input,cache_read,output,seat,session,project"
ROWS = (
    "1,2026-06-01T22:30:00Z,openai,gpt-5.5,1000,0,100,ann,s1,shop",
    "2,2026-06-01T23:30:00Z,anthropic,claude-opus-4-8,2000,4000,500,ann,s1,shop",
    "3,2026-06-08T09:00:00Z,openai,gpt-5.5,3000,0,0,bob,s2,shop",
    "4,2026-07-01T00:00:00Z,openai,gpt-5.4-mini,0,0,1000,bob,s2,",
    "5,2026-07-01T00:00:01Z,openai,nobody-has-this,10,0,0,bob,s3,",
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command where five calls were imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADGATE_DATA_DIR", raising=False)
    Path("calls.csv").write_text("\n".join((HEAD, *ROWS)) + "\n", encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(app, ["import", "calls.csv"]).exit_code == 0
    return lambda *arguments: runner.invoke(app, ["usage", *arguments])


def groups(result: Result) -> list[tuple[Any, ...]]:
    """Return names, calls and cost of each group."""
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["groups"]
    return [(*each["names"], each["calls"], each["cost"]) for each in found]


def test_each_day_has_its_calls_tokens_and_cost(run: Run) -> None:
    """Without an option use is summed up by day, and in all, with the models that were used."""
    shown = run()

    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[1][:7] == ["2026-06-01", "2", "3,000", "4,000", "0", "600", "0.0325"]
    assert lines[1][7:] == ["claude-opus-4-8,", "gpt-5.5"]
    assert lines[4][:7] == ["all", "5", "6,010", "4,000", "0", "1,600", "0.0520"]


def test_days_are_those_of_the_zone(run: Run) -> None:
    """A call at half past ten in the evening, UTC, is of the next day in Rome."""
    assert [day for day, *_ in groups(run("--json", "--zone", "Europe/Rome"))] == [
        "2026-06-02",
        "2026-06-08",
        "2026-07-01",
    ]


def test_weeks_begin_on_monday_and_months_have_their_own(run: Run) -> None:
    """A week is named by its Monday."""
    assert [week for week, *_ in groups(run("--json", "--by", "week"))] == [
        "2026-06-01",
        "2026-06-08",
        "2026-06-29",
    ]
    assert groups(run("--json", "--by", "month")) == [
        ("2026-06", 3, "0.047500000"),
        ("2026-07", 2, "0.004500000"),
    ]


def test_groups_in_groups_have_the_dearest_first_and_times_in_order(run: Run) -> None:
    """What is not a time is ordered by what it comes to."""
    assert groups(run("--json", "--by", "month", "--by", "model")) == [
        ("2026-06", "claude-opus-4-8", 1, "0.024500000"),
        ("2026-06", "gpt-5.5", 2, "0.023000000"),
        ("2026-07", "gpt-5.4-mini", 1, "0.004500000"),
        ("2026-07", "nobody-has-this", 1, "0.000000000"),
    ]
    assert [names[:2] for names in groups(run("--json", "--by", "seat", "--by", "session"))] == [
        ("ann", "s1"),
        ("bob", "s2"),
        ("bob", "s3"),
    ]


def test_what_the_logs_do_not_say_has_no_name(run: Run) -> None:
    """Calls of no project are a group of their own."""
    assert groups(run("--json", "--by", "project"))[1] == (None, 2, "0.004500000")
    assert "\n-  " in run("--by", "project").stdout


def test_a_stretch_has_its_beginning_and_not_its_end(run: Run) -> None:
    """`--since` is included, `--until` is not."""
    found = run("--json", "--since", "2026-06-08", "--until", "2026-07-01")

    assert groups(found) == [("2026-06-08", 1, "0.015000000")]


def test_an_empty_stretch_is_told_where_there_is_use(run: Run) -> None:
    """Somebody who asks for another month sees which there are."""
    shown = run("--since", "2027-01-01")

    assert shown.exit_code == 0
    assert "Use goes from 2026-06-01 to 2026-07-01." in shown.stdout


def test_what_has_no_price_is_counted_beside_the_sums(run: Run) -> None:
    """It is in no amount, and said to be."""
    total = json.loads(run("--json").stdout)["total"]

    assert (total["records"], total["unpriced"], total["names"]) == (5, 1, [])
    assert "What is not priced is in no sum" in run().stdout


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (("--by", "colour"), "Use one of day, week, month, log"),
        (("--zone", "Nowhere"), "such as Europe/Berlin"),
        (("--since", "yesterday"), "Write 2026-11-01"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_fix(
    run: Run, arguments: tuple[str, ...], fix: str
) -> None:
    """The exit code is 2."""
    refused = run(*arguments)

    assert refused.exit_code == 2
    assert fix in refused.stderr


def test_without_an_import_the_fix_is_to_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 3."""
    monkeypatch.chdir(tmp_path)

    refused = CliRunner().invoke(app, ["usage"])

    assert refused.exit_code == 3
    assert "Run `headgate import` first." in refused.stderr
