"""Finished tasks: counts become intervals, thin data says so, long tasks are fitted from runs."""

import json
from dataclasses import replace
from fractions import Fraction
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.economics.exact import rounded
from headgate.economics.formulas import horizon
from headgate.economics.inputs import InputError
from headgate.economics.load import load_inputs
from headgate.economics.roi.beta import cumulative, interval, quantile
from headgate.economics.roi.comparison import compared
from headgate.economics.roi.cost import groups_of, tariff_of, verdict
from headgate.economics.roi.fit import Cell, fit, survival
from headgate.economics.roi.load_rows import Outcome, load_outcomes, load_runs
from headgate.economics.roi.long_tasks import best

F = Fraction
INPUTS = load_inputs("roi")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["roi", *arguments])


def report(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def outcomes(resolved: int, attempts: int, cost: str = "2") -> list[Outcome]:
    return [Outcome("fix", "m", F(cost), number < resolved) for number in range(attempts)]


@pytest.mark.parametrize(
    ("probability", "a", "b", "value"),
    [
        (0.5, 1, 1, 0.5),
        (0.3, 1, 1, 0.3),
        (0.25, 2, 1, 0.5),  # the distribution is x squared
        (0.75, 1, 2, 0.5),
        (0.5, 7.5, 7.5, 0.5),
        (0.1, 0.5, 0.5, 0.024471741852423234),  # sin(0.05 pi) squared
    ],
)
def test_quantiles_that_are_known_exactly(
    probability: float, a: float, b: float, value: float
) -> None:
    """Uniform, square and arcsine distributions have quantiles one can write down."""
    assert quantile(probability, a, b) == pytest.approx(value, rel=1e-9)


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.01, 0.99))
def test_a_quantile_undoes_the_distribution(successes: int, failures: int, p: float) -> None:
    """For any counts; and the interval has the mean of the posterior inside."""
    a, b = successes + 0.5, failures + 0.5
    low, high = interval(successes, failures, 0.95)

    assert cumulative(quantile(p, a, b), a, b) == pytest.approx(p, abs=1e-7)
    assert low < a / (a + b) < high


def test_more_attempts_make_a_narrower_interval() -> None:
    """At the same rate; ten times as many make it about a third as wide."""
    few, many = interval(6, 4, 0.95), interval(60, 40, 0.95)

    assert 2.5 < (few[1] - few[0]) / (many[1] - many[0]) < 3.5


@pytest.mark.parametrize(
    ("resolved", "attempts", "cost", "found"),
    [
        (60, 100, "2", "cheaper"),
        (60, 100, "80", "dearer"),
        (5, 100, "2", "dearer"),
        (24, 100, "4", "cannot tell"),
        (19, 19, "0.01", "not enough data"),
    ],
)
def test_a_verdict_needs_the_whole_interval(
    resolved: int, attempts: int, cost: str, found: str
) -> None:
    """Cheaper or dearer only if both ends say so; below the least n nothing is said."""
    [group] = groups_of(outcomes(resolved, attempts, cost))

    assert verdict(group, tariff_of(INPUTS), 20) == found


@given(st.fractions(F(1, 100), 1, max_denominator=100), st.fractions(0, 200, max_denominator=100))
def test_cost_threshold_and_break_even_agree(success: F, attempt: F) -> None:
    """Below the threshold, and above the break-even rate, exactly, a task costs less."""
    tariff = tariff_of(INPUTS)
    cheaper = tariff.cost(attempt, success) < tariff.human

    assert cheaper == (attempt < tariff.threshold(success))
    assert cheaper == (success > tariff.break_even(attempt))


def test_a_cost_by_hand() -> None:
    """Two attempts at 60 %: 1.4 of them, each with telling, judging and rework; then a person."""
    tariff = tariff_of(INPUTS)

    expected = F("1.4") * (2 + 15 + F("0.4") * 10) + F("0.16") * 100

    assert tariff.cost(F(2), F("0.6")) == expected
    assert report()["figures"]["cost_per_resolved_usd"] == rounded(expected, 2)


def test_the_page_draws_machine_and_person(tmp_path: Path) -> None:
    """Two lines that cross where the break-even success rate says."""
    path = tmp_path / "roi.html"
    found = report("--html", str(path))
    machine, person = (dict(one["points"]) for one in found["charts"][0]["series"])
    even = float(found["figures"]["break_even_success"])
    cheaper = [float(p) for p in machine if float(machine[p]) < float(person[p])]

    assert path.read_text().count("<polyline") == 2
    assert min(cheaper) == pytest.approx(even, abs=0.05)
    assert all(p > even for p in cheaper)


def test_attempts_from_a_file(tmp_path: Path) -> None:
    """CSV and JSON lines give the same; a model with few attempts has no number."""
    rows = [f"fix,strong,0.5,{int(number % 10 < 7)}" for number in range(200)]
    rows += ["fix,new,0.1,1"] * 3
    table = tmp_path / "outcomes.csv"
    table.write_text("workflow,model,cost_usd,resolved\n" + "\n".join(rows))
    lines = tmp_path / "outcomes.jsonl"
    lines.write_text(
        "\n".join(
            json.dumps(dict(zip(("workflow", "model", "cost_usd", "resolved"), row.split(","))))  # noqa: B905
            for row in rows
        )
    )

    found = report(str(table))
    [new, strong] = found["tables"][0]["rows"]

    assert found["tables"] == report(str(lines))["tables"]
    assert new[-1] == "not enough data"
    assert new[3:-1] == [""] * 9
    assert strong[3] == "0.700"
    assert strong[-1] == "cheaper"
    assert "Not enough data (below 20 attempts): new at fix." in found["answer"]


@pytest.mark.parametrize(
    ("strong", "weak", "said"),
    [
        ((54, 60), (24, 60), "big costs least: 23.00 USD, though an attempt of small is cheaper"),
        ((54, 60), (50, 60), "cannot be told from"),
        ((54, 60), (1, 2), None),
    ],
)
def test_models_are_held_against_each_other(
    strong: tuple[int, int], weak: tuple[int, int], said: str | None
) -> None:
    """By a finished task, not an attempt; named only where intervals part, and data is enough."""
    rows = [replace(row, model="big") for row in outcomes(*strong, cost="4")]
    rows += [replace(row, model="small") for row in outcomes(*weak, cost="0.5")]

    told = list(compared(groups_of(rows), tariff_of(load_inputs("roi")), 20))

    assert [said in one for one in told] == [True] if said else told == []


def test_rows_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """They are counted, the first with line and reason; the others count."""
    path = tmp_path / "outcomes.csv"
    path.write_text(
        "workflow,model,cost_usd,resolved\nfix,m,1,1\nfix,m,-1,1\nfix,m,1,maybe\n,m,1,1\nfix,m,nan,0\n"
        "fix,m,1e999999,1\nfix,m,1e-999999,1\nfix\n"
    )

    read = load_outcomes(path)

    assert len(read.rows) == 1
    assert read.bad == 7
    assert read.problems[0] == "line 3: cost_usd is not a number of at least 0"
    assert len(read.problems) == 3


def test_an_empty_file_gives_no_number(tmp_path: Path) -> None:
    """It does not fall back to what is assumed."""
    path = tmp_path / "outcomes.csv"
    path.write_text("workflow,model,cost_usd,resolved\n")

    found = report(str(path))

    assert found["answer"] == ["Not enough data: there are no outcomes."]
    assert "cost_per_resolved_usd" not in found["figures"]


def test_lines_that_are_no_objects_are_told(tmp_path: Path) -> None:
    """Truncated, foreign and deeply nested lines do not stop the others."""
    path = tmp_path / "outcomes.jsonl"
    good = '{"workflow": "w", "model": "m", "cost_usd": 0.25, "resolved": true}'
    path.write_text("\n".join([good, good[:30], "[1]", "[" * 100_000, "", good]))

    read = load_outcomes(path)

    assert [one.cost_usd for one in read.rows] == [F(1, 4)] * 2
    assert read.bad == 3
    assert read.problems[0] == "line 2: not JSON"


def test_a_field_without_end_is_refused(tmp_path: Path) -> None:
    """An open quotation mark swallows the rest of a file; that is told, not computed with."""
    path = tmp_path / "outcomes.csv"
    path.write_text('workflow,model,cost_usd,resolved\n"' + "x" * 200_000)

    with pytest.raises(InputError, match="field larger"):
        load_outcomes(path)


@pytest.mark.parametrize(("text", "told"), [("a,b\n1,2\n", "has no column"), ("", "has no column")])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """With the columns it needs; so is one that is not there."""
    path = tmp_path / "runs.csv"
    path.write_text(text)

    with pytest.raises(InputError, match=told):
        load_runs(path)
    assert run(str(tmp_path / "nothing.csv")).exit_code == 2


def cells(half_life: float, shape: float, runs: int) -> list[Cell]:
    """Return tasks from a minute to a month, with as many successes as are to be expected."""
    lengths = [exp(log(1 / 60) + step * 0.35) for step in range(27)]
    return [Cell(hours, runs, round(runs * survival(hours, half_life, shape))) for hours in lengths]


@pytest.mark.parametrize(("half_life", "shape"), [(8.0, 1.0), (1.0, 0.6), (0.05, 0.4), (40.0, 1.5)])
def test_a_fit_finds_what_made_the_runs(half_life: float, shape: float) -> None:
    """Within its own interval, and close, when there are many runs."""
    found = fit(cells(half_life, shape, 1000))
    assert found is not None

    assert found.half_life == pytest.approx(half_life, rel=0.04)
    assert found.shape == pytest.approx(shape, abs=0.03)
    assert found.low < half_life < found.high


def test_tasks_that_differ_widen_the_interval() -> None:
    """Where runs of a task all go the same way there is less to know than their number says."""
    alike = cells(4.0, 1.0, 20)
    clumped = [
        Cell(one.hours, 20, 20 * (index % 3 > 0)) if 1 < one.hours < 16 else one
        for index, one in enumerate(alike)
    ]
    steady, wide = fit(alike), fit(clumped)
    assert steady is not None
    assert wide is not None

    assert steady.spread == 1
    assert wide.spread > 2
    assert log(wide.high / wide.low) > 1.5 * log(steady.high / steady.low)


def test_runs_that_all_went_the_same_way_fit_nothing() -> None:
    """A half-life needs both successes and failures."""
    assert fit([Cell(1.0, 50, 50), Cell(2.0, 50, 50)]) is None
    assert fit([Cell(1.0, 50, 0)]) is None


@pytest.mark.parametrize("half_life", [1.0, 8.0])
def test_the_search_finds_the_closed_form(half_life: float) -> None:
    """For a constant hazard and no diagnosis both give the interval and the cost."""
    task = horizon.LongTask(F(5), F(25), F(0))
    interval_hours, cost = best(F(100), task, half_life, 1.0)

    assert float(interval_hours) == pytest.approx(
        float(horizon.best_interval(F(5), F(25), F(half_life))), rel=1e-5
    )
    assert rounded(cost, 4) == rounded(horizon.best_cost(F(100), F(5), F(25), F(half_life)), 4)


def test_a_diagnosis_makes_one_look_more_often() -> None:
    """Work that is dear to sort out is looked at sooner, and costs more."""
    free, dear = (
        best(F(100), horizon.LongTask(F(5), F(25), F(diagnosis)), 8.0, 1.0)
        for diagnosis in (0, 200)
    )

    assert dear[0] < free[0]
    assert dear[1] > free[1]


def test_long_tasks_from_a_file(tmp_path: Path) -> None:
    """The better model is cheaper for eight hours; one with few runs has no number."""
    rows = ["model,task,human_minutes,success"]
    for model, half_life in (("steady", 8.0), ("hasty", 0.5)):
        for number, cell in enumerate(cells(half_life, 1.0, 12)):
            for index in range(12):
                right = int(index < cell.successes)
                rows.append(f"{model},t{number},{60 * cell.hours:.6f},{right}")
    rows.append("new,t1,60,1")
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(rows))

    found = report("--runs", str(path))
    table = next(one for one in found["tables"] if one["title"].startswith("A task of 8 hours"))

    assert [row[0] for row in table["rows"]] == ["steady", "hasty", "new"]
    assert table["rows"][2][3] == "not enough data"
    assert found["answer"][0].startswith("A task of 8 hours is cheapest with steady")
    assert found == report("--runs", str(path))
