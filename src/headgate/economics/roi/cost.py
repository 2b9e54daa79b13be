"""Cost per resolved task of each workflow and model, as an interval, beside a person's."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from headgate.economics.formulas import tasks
from headgate.economics.inputs import Inputs
from headgate.economics.roi.beta import interval
from headgate.economics.roi.load_rows import Outcome

COVERAGE = 0.95
PLACES = 9
"""A rate's float is cut to so many decimals before it meets money."""

Verdict = Literal["cheaper", "dearer", "cannot tell", "not enough data"]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What people cost around an attempt, dollars.

    Attributes:
        human: A person who does the task.
        review: Telling what to do and judging the result, per attempt.
        rework: Cleaning up after one that failed.
        attempts_max: Attempts before the person does it.
        value: What a finished task is worth.
        error: What undetected errors cost per accepted result.
    """

    human: Fraction
    review: Fraction
    rework: Fraction
    attempts_max: int
    value: Fraction
    error: Fraction

    def judging(self, success: Fraction) -> Fraction:
        """Return review and rework per attempt, at a success rate."""
        return self.review + (1 - success) * self.rework

    def cost(self, attempt: Fraction, success: Fraction) -> Fraction:
        """Return the cost per resolved task."""
        judging = self.judging(success)
        return tasks.cost_per_resolved(attempt, judging, self.human, success, self.attempts_max)

    def threshold(self, success: Fraction) -> Fraction:
        """Return the attempt's cost below which the machine is cheaper than the person."""
        return tasks.attempt_threshold(success, self.human, self.judging(success))

    def break_even(self, attempt: Fraction) -> Fraction:
        """Return the success rate above which the machine is cheaper; above 1 it never is.

        `(C_a + C_r + C_w) / (C_h + C_w)`: rework counts only where an attempt fails.
        """
        return tasks.break_even_success(
            attempt, self.review + self.rework, self.human + self.rework
        )

    def roi(self, cost: Fraction) -> Fraction | None:
        """Return `(v - CPR - e L) / CPR`; None when it costs nothing."""
        return (self.value - cost - self.error) / cost if cost else None


def tariff_of(inputs: Inputs) -> Tariff:
    """Return the tariff of a set of inputs."""
    wage = inputs["wage_usd"]
    return Tariff(
        human=wage * inputs["human_hours"],
        review=wage * (inputs["review_hours"] + inputs["prompt_hours"]),
        rework=wage * inputs["rework_hours"],
        attempts_max=inputs.whole("attempts_max"),
        value=inputs["value_usd"],
        error=inputs["error_share"] * inputs["error_usd"],
    )


@dataclass(frozen=True, slots=True)
class Group:
    """The attempts of a model in a workflow.

    Attributes:
        workflow: The kind of task.
        model: The model.
        attempts: How many.
        resolved: How many of them were accepted.
        attempt_usd: Mean cost of one.
        success: Share that was accepted.
        low: Lower end of the 95 % interval of the true rate.
        high: Upper end.
    """

    workflow: str
    model: str
    attempts: int
    resolved: int
    attempt_usd: Fraction
    success: Fraction
    low: Fraction
    high: Fraction


def groups_of(outcomes: Iterable[Outcome]) -> list[Group]:
    """Return the groups, by workflow, then model."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        found.setdefault((one.workflow, one.model), []).append(one)
    return [_group(*names, rows) for names, rows in sorted(found.items())]


def _group(workflow: str, model: str, rows: list[Outcome]) -> Group:
    resolved = sum(one.resolved for one in rows)
    low, high = interval(resolved, len(rows) - resolved, COVERAGE)
    return Group(
        workflow=workflow,
        model=model,
        attempts=len(rows),
        resolved=resolved,
        attempt_usd=sum((one.cost_usd for one in rows), Fraction(0)) / len(rows),
        success=Fraction(resolved, len(rows)),
        low=rate(low),
        high=rate(high),
    )


def rate(value: float) -> Fraction:
    """Return a probability as a fraction of `PLACES` decimals."""
    return Fraction(round(value * 10**PLACES), 10**PLACES)


def verdict(group: Group, tariff: Tariff, attempts_min: int) -> Verdict:
    """Say whether the machine is cheaper than the person, if the data can tell.

    `cheaper` or `dearer` only when the whole interval of the success rate says so.
    """
    if group.attempts < attempts_min:
        return "not enough data"
    worst, best = (group.attempt_usd - tariff.threshold(p) for p in (group.low, group.high))
    if worst < 0:
        return "cheaper"
    return "dearer" if best > 0 else "cannot tell"
