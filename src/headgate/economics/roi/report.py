"""The report on finished tasks: cost beside a person, attention, and long tasks."""

from fractions import Fraction

from headgate.economics.amounts import dollars
from headgate.economics.exact import plain, rounded
from headgate.economics.formulas import tasks
from headgate.economics.inputs import Inputs
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.economics.roi.comparison import compared, span
from headgate.economics.roi.cost import Group, Tariff, groups_of, tariff_of, verdict
from headgate.economics.roi.load_rows import Outcome, Read, TaskRun
from headgate.economics.roi.long_tasks import LongCost, long_costs

LIMITS = [
    "Attempts are taken to be independent: a task that failed once is not taken to be harder.",
    "Intervals are of the success rate alone (95 %, Jeffreys); the mean cost is taken as it is.",
    "An accepted result counts as resolved; wrong ones that nobody noticed are an input.",
]
USD_SHOWN_MAX = 1_000_000
LINES_MAX = 5
"""So many groups have a line in the chart."""

LONG_LIMITS = [
    "A long task's cost restarts the clock at each accepted check-in; unless the shape is 1, that "
    "is an assumption.",
    "Runs at tasks of known length are not one's own work; the half-life of another kind of work "
    "may differ many times over.",
]


def roi_report(
    inputs: Inputs, outcomes: Read[Outcome] | None, runs: Read[TaskRun] | None, content: str
) -> Report:
    """Return the report.

    Args:
        inputs: Wages, hours and the rest.
        outcomes: Attempts, None to compute with the inputs' success rate and cost.
        runs: Runs at tasks of known length, None for no long tasks.
        content: The hash of the files that were read.
    """
    tariff = tariff_of(inputs)
    groups = [] if outcomes is None else groups_of(outcomes.rows)
    long = [] if runs is None else long_costs(runs.rows, inputs)
    assumed = outcomes is None and runs is None
    return Report(
        command="roi",
        answer=[
            *_answer(groups, tariff, inputs),
            *([_assumed_answer(tariff, inputs)] if assumed else []),
            *_long_answer(long, inputs),
            *_empty(outcomes, "outcomes"),
            *_empty(runs, "runs"),
            *_unread(outcomes, "outcomes"),
            *_unread(runs, "runs"),
        ],
        figures=_figures(tariff, inputs, assumed=assumed),
        tables=[
            *([_costs(groups, tariff, inputs)] if groups else []),
            *([_long(long, inputs)] if long else []),
            _attention(inputs),
        ],
        charts=[_by_success(tariff, inputs, groups)] if groups or assumed else [],
        limits=LIMITS + (LONG_LIMITS if long else []),
        assumptions=assumptions(inputs),
        inputs_sha256=inputs.sha256(content),
    )


def _plain_usd(value: Fraction) -> str:
    return rounded(value, 2)


def _capped(value: Fraction) -> str:
    """Return an amount; beyond `USD_SHOWN_MAX` how much more does not matter."""
    return f"over {USD_SHOWN_MAX:,}" if value > USD_SHOWN_MAX else dollars(value)


def _name(group: Group) -> str:
    return f"{group.model} at {group.workflow}"


def _answer(groups: list[Group], tariff: Tariff, inputs: Inputs) -> list[str]:
    least = inputs.whole("attempts_min")
    found: dict[str, list[str]] = {}
    for group in groups:
        found.setdefault(verdict(group, tariff, least), []).append(_name(group))
    words = {
        "cheaper": f"Cheaper than a person at {dollars(tariff.human)} USD a task",
        "dearer": "Dearer than a person",
        "cannot tell": "The data cannot tell whether it is cheaper",
        "not enough data": f"Not enough data (below {least} attempts)",
    }
    said = [f"{words[kind]}: {', '.join(found[kind])}." for kind in words if kind in found]
    return [*compared(groups, tariff, least), *said]


def _empty(read: Read[Outcome] | Read[TaskRun] | None, name: str) -> list[str]:
    return [f"Not enough data: there are no {name}."] if read and not read.rows else []


def _assumed_answer(tariff: Tariff, inputs: Inputs) -> str:
    success, attempt = inputs["success"], inputs["attempt_usd"]
    cost, threshold = tariff.cost(attempt, success), tariff.threshold(success)
    word = "cheaper" if attempt < threshold else "not cheaper"
    return (
        f"At a success rate of {plain(success)} a finished task costs {dollars(cost)} USD, a "
        f"person {dollars(tariff.human)} USD: {word}. An attempt may cost up to "
        f"{dollars(threshold)} USD. Give a file of outcomes to compute with your own."
    )


def _long_answer(costs: list[LongCost], inputs: Inputs) -> list[str]:
    known = [one for one in costs if one.fitted is not None]
    if not known:
        return ["Not enough data for long tasks."] if costs else []
    best, hours = known[0], inputs["task_hours"]
    return [
        f"A task of {plain(hours)} hours is cheapest with {best.model}: {_capped(best.cost_usd)} "
        f"USD, looking at it every {rounded(best.interval_hours, 2)} hours; a person's time costs "
        f"{dollars(hours * inputs['wage_usd'])} USD."
    ]


def _unread(read: Read[Outcome] | Read[TaskRun] | None, name: str) -> list[str]:
    if read is None or not read.bad:
        return []
    return [f"{read.bad} rows of {name} could not be read: {'; '.join(read.problems)}."]


def _figures(tariff: Tariff, inputs: Inputs, *, assumed: bool) -> dict[str, str]:
    success, attempt = inputs["success"], inputs["attempt_usd"]
    figures = {
        "human_usd": _plain_usd(tariff.human),
        "spend_to_salary": rounded(_spend_to_salary(inputs), 4),
    }
    if assumed:
        figures |= {
            "cost_per_resolved_usd": _plain_usd(tariff.cost(attempt, success)),
            "attempt_threshold_usd": _plain_usd(tariff.threshold(success)),
            "break_even_success": rounded(tariff.break_even(attempt), 4),
        }
    return figures


def _costs(groups: list[Group], tariff: Tariff, inputs: Inputs) -> TableView:
    least = inputs.whole("attempts_min")
    columns = [">attempts", ">success", ">95 % interval", ">USD an attempt", ">at most"]
    return TableView(
        title="Cost per resolved task, beside a person",
        columns=[
            *("workflow", "model"),
            *columns,
            *(">USD a task", ">95 % interval", ">saved a task", ">return", ">break-even success"),
            "verdict",
        ],
        rows=[_cost_row(group, tariff, least) for group in groups],
    )


def _cost_row(group: Group, tariff: Tariff, attempts_min: int) -> list[str]:
    found = verdict(group, tariff, attempts_min)
    names = [group.workflow, group.model, f"{group.attempts:,}"]
    if found == "not enough data":
        return [*names, *("" for _ in range(9)), found]
    cost = tariff.cost(group.attempt_usd, group.success)
    ends = span(group, tariff)
    returned = [tariff.roi(one) for one in reversed(ends)]
    return [
        *names,
        rounded(group.success, 3),
        f"{rounded(group.low, 3)} to {rounded(group.high, 3)}",
        dollars(group.attempt_usd, 4),
        dollars(tariff.threshold(group.success)),
        dollars(cost),
        f"{dollars(ends[0])} to {dollars(ends[1])}",
        dollars(tariff.human - cost),
        " to ".join("none" if one is None else rounded(one, 2) for one in returned),
        rounded(tariff.break_even(group.attempt_usd), 3),
        found,
    ]


def _long(costs: list[LongCost], inputs: Inputs) -> TableView:
    columns = [">runs", ">tasks", ">half-life h", ">95 % interval", ">shape", ">spread"]
    return TableView(
        title=f"A task of {plain(inputs['task_hours'])} hours with each model",
        columns=[
            "model",
            *columns,
            *(">run USD/h", ">check-in every h", ">USD", ">95 % interval"),
        ],
        rows=[_long_row(one) for one in costs],
    )


def _long_row(one: LongCost) -> list[str]:
    counts = [one.model, str(one.runs), str(one.tasks)]
    if one.fitted is None:
        return [*counts, "not enough data", *("" for _ in range(7))]
    fitted = one.fitted
    return [
        *counts,
        f"{fitted.half_life:.3g}",
        f"{fitted.low:.3g} to {fitted.high:.3g}",
        f"{fitted.shape:.2f}",
        f"{fitted.spread:.1f}",
        rounded(one.run_usd, 2),
        rounded(one.interval_hours, 2),
        _capped(one.cost_usd),
        f"{_capped(one.cost_low_usd)} to {_capped(one.cost_high_usd)}",
    ]


def _by_success(tariff: Tariff, inputs: Inputs, groups: list[Group]) -> ChartView:
    """Return what a task costs by success rate, at each group's cost of an attempt."""
    attempts = {_name(group): group.attempt_usd for group in groups[:LINES_MAX]}
    attempts = attempts or {"machine": inputs["attempt_usd"]}
    rates = [Fraction(step, 20) for step in range(1, 21)]
    return ChartView(
        title="Cost per resolved task by success rate",
        x="success rate of an attempt",
        y="USD",
        series=[
            *(
                SeriesView(
                    name=name,
                    points=[(plain(p), _plain_usd(tariff.cost(attempt, p))) for p in rates],
                )
                for name, attempt in attempts.items()
            ),
            SeriesView(name="person", points=[(plain(p), _plain_usd(tariff.human)) for p in rates]),
        ],
    )


def _spend_to_salary(inputs: Inputs) -> Fraction:
    return tasks.spend_to_salary(
        inputs["month_spend_usd"], inputs["wage_usd"], inputs["month_hours"]
    )


def _attention(inputs: Inputs) -> TableView:
    run, review, prompt = (inputs[f"{name}_hours"] for name in ("run", "review", "prompt"))
    return TableView(
        title="Attention and spend",
        columns=["what", ">value"],
        rows=[
            [
                "sessions one person can keep busy",
                plain(tasks.sessions_max(run, review, prompt), 4),
            ],
            [
                "tasks a day's attention judges",
                plain(tasks.tasks_per_day(inputs["attention_hours"], review, prompt), 4),
            ],
            [
                "token spend as a share of salary; productivity must gain as much",
                rounded(_spend_to_salary(inputs), 4),
            ],
        ],
    )
