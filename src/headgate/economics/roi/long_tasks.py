"""What a long task costs with each model, from how long its runs stay right."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log

from headgate.economics.formulas.horizon import LongTask, cost_with_diagnosis
from headgate.economics.inputs import Inputs
from headgate.economics.roi.cost import rate
from headgate.economics.roi.fit import Fitted, cells_of, fit, survival
from headgate.economics.roi.load_rows import TaskRun

SEARCHES = 60
SHORTEST = 0.001
"""No interval is shorter than this share of the task."""
GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class LongCost:
    """A model and the task.

    Attributes:
        model: The model.
        runs: Its runs.
        tasks: The tasks they were at.
        fitted: How long it stays right; None when there is not enough data.
        run_usd: What running costs, dollars per hour.
        interval_hours: The best time between check-ins.
        cost_usd: What the task costs then.
        cost_low_usd: With the upper end of the half-life.
        cost_high_usd: With the lower end.
    """

    model: str
    runs: int
    tasks: int
    fitted: Fitted | None
    run_usd: Fraction
    interval_hours: Fraction
    cost_usd: Fraction
    cost_low_usd: Fraction
    cost_high_usd: Fraction


def long_costs(runs: Iterable[TaskRun], inputs: Inputs) -> list[LongCost]:
    """Return what the inputs' long task costs with each model, cheapest first."""
    found: dict[str, list[TaskRun]] = {}
    for one in runs:
        found.setdefault(one.model, []).append(one)
    costs = [_cost(model, rows, inputs) for model, rows in sorted(found.items())]
    return sorted(costs, key=lambda one: (one.fitted is None, one.cost_usd))


def _cost(model: str, rows: list[TaskRun], inputs: Inputs) -> LongCost:
    tasks = len({one.task for one in rows})
    enough = len(rows) >= inputs["runs_min"] and tasks >= inputs["tasks_min"]
    fitted = fit(cells_of(rows)) if enough else None
    run = _run_usd(rows, inputs)
    none = Fraction(0)
    if fitted is None:
        return LongCost(model, len(rows), tasks, None, run, none, none, none, none)
    task = LongTask(run, inputs["check_usd"], inputs["diagnosis_usd"])
    hours = inputs["task_hours"]
    interval, cost = best(hours, task, fitted.half_life, fitted.shape)
    _, low = best(hours, task, fitted.high, fitted.shape)
    _, high = best(hours, task, fitted.low, fitted.shape)
    return LongCost(model, len(rows), tasks, fitted, run, interval, cost, low, high)


def _run_usd(rows: list[TaskRun], inputs: Inputs) -> Fraction:
    """Return what an hour of work costs: the mean of the runs that tell, else the input."""
    told = [one.usd_per_hour for one in rows if one.usd_per_hour is not None]
    return sum(told, Fraction(0)) / len(told) if told else inputs["run_usd"]


def best(
    hours: Fraction, task: LongTask, half_life: float, shape: float
) -> tuple[Fraction, Fraction]:
    """Return the interval that makes a task cheapest, at most the task itself, and the cost.

    The interval is searched in floats, where a last digit does not matter; the cost at it is exact.
    """
    run, check, diagnosis = (float(one) for one in (task.run, task.check, task.diagnosis))

    def per_hour(logarithm: float) -> float:
        tau = exp(logarithm)
        right = survival(tau, half_life, shape)
        return (run * tau + check + (1 - right) * diagnosis) / (tau * right)

    longest = log(float(hours))
    tau = rate(exp(_lowest(per_hour, longest + log(SHORTEST), longest)))
    interval = min(tau, hours)
    cost = cost_with_diagnosis(interval, hours, task, rate(half_life), rate(shape))
    return interval, cost


def _lowest(value: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one valley is lowest, by golden section."""
    for _ in range(SEARCHES):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if value(left) <= value(right):
            high = right
        else:
            low = left
    return (low + high) / 2
