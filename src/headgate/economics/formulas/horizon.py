"""Long tasks: how long work stays right, when to look at it, and what that makes it cost.

Hours are hours of human-equivalent work. The right direction is kept for t hours with probability
`S(t) = 2^-((t / h50)^k)`: `half_life` is where half of the runs are still right, `shape` k = 1 a
constant hazard, k < 1 one that falls. Sources: Ord's constant hazard, and a Weibull refit.
Each accepted check-in restarts the clock, which for k != 1 is an assumption.
"""

from dataclasses import dataclass
from fractions import Fraction

from headgate.economics.exact import DomainError, divide, exp, ln, power, sqrt

LN2 = ln(Fraction(2))
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class LongTask:
    """What working on a long task costs.

    Attributes:
        run: Running, dollars per hour.
        check: A check-in, dollars.
        diagnosis: Finding out what went wrong, dollars.
    """

    run: Fraction
    check: Fraction
    diagnosis: Fraction


def survival(hours: Fraction, half_life: Fraction, shape: Fraction = ONE) -> Fraction:
    """Return the probability that work is still right after some hours."""
    if hours == 0:
        return ONE
    return exp(-LN2 * power(divide(hours, half_life, "a half-life"), shape))


def best_interval(run: Fraction, check: Fraction, half_life: Fraction) -> Fraction:
    """Return the hours between check-ins that make a task cheapest, for k = 1.

    `tau* = (C_r / 2a) (sqrt(1 + 4a / (lambda C_r)) - 1)` with `lambda = ln 2 / h50`; as the running
    cost a goes to 0 it goes to `h50 / ln 2`.

    Args:
        run: What running costs, dollars per hour.
        check: What a check-in costs, dollars.
        half_life: Hours.

    Raises:
        DomainError: A check-in or the half-life is not above 0.
    """
    if check <= 0 or half_life <= 0:
        raise DomainError("a check-in's cost and a half-life must be above 0")
    hazard = LN2 / half_life
    if run == 0:
        return 1 / hazard
    return check / (2 * run) * (sqrt(1 + 4 * run / (hazard * check)) - 1)


def cost_at(
    interval: Fraction, hours: Fraction, run: Fraction, check: Fraction, half_life: Fraction
) -> Fraction:
    """Return what a task of some hours costs with a check-in at each interval, for k = 1.

    `(L / tau) (a tau + C_r) / S(tau)`: a segment that went wrong is done again.
    """
    segments = divide(hours, interval, "the interval")
    return segments * (run * interval + check) / survival(interval, half_life)


def cost_with_diagnosis(
    interval: Fraction, hours: Fraction, task: LongTask, half_life: Fraction, shape: Fraction
) -> Fraction:
    """Return the same for any shape and a diagnosis after each segment that went wrong.

    `(L / tau) (a tau + C_r + (1 - S(tau)) C_d) / S(tau)`; the clock restarts at each check-in.
    """
    right = survival(interval, half_life, shape)
    segment = task.run * interval + task.check + (1 - right) * task.diagnosis
    return divide(hours, interval, "the interval") * segment / right


def best_cost(hours: Fraction, run: Fraction, check: Fraction, half_life: Fraction) -> Fraction:
    """Return what a task costs when one looks at the best interval."""
    return cost_at(best_interval(run, check, half_life), hours, run, check, half_life)
