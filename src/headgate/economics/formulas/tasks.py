"""What a finished task costs: attempts, reviews, and the person who finishes what failed.

`attempt` is all that one attempt costs (calls, tools, failed streams), `review` the time to judge
its result at the reviewer's wage, `human` what a person costs who does the task. Attempts are
independent and each succeeds with the same probability, which is the model's chief limit.
"""

from fractions import Fraction

from headgate.economics.exact import DomainError, divide


def expected_attempts(success: Fraction, attempts_max: int) -> Fraction:
    """Return `(1 - (1-p)^n) / p`: the mean number of attempts when at most n are made.

    Raises:
        DomainError: The probability is not within 0 to 1, or no attempt is allowed.
    """
    if not 0 <= success <= 1 or attempts_max < 1:
        raise DomainError("a success rate is within 0 to 1, and at least 1 attempt is made")
    if success == 0:
        return Fraction(attempts_max)
    return (1 - (1 - success) ** attempts_max) / success


def cost_per_resolved(
    attempt: Fraction, review: Fraction, human: Fraction, success: Fraction, attempts_max: int
) -> Fraction:
    """Return the cost of a finished task: `E[attempts] (C_a + C_r) + (1-p)^n C_h`."""
    tried = expected_attempts(success, attempts_max) * (attempt + review)
    return tried + (1 - success) ** attempts_max * human


def attempt_threshold(success: Fraction, human: Fraction, review: Fraction) -> Fraction:
    """Return the cost of an attempt below which the machine is cheaper: `C_a < p C_h - C_r`.

    It does not depend on how many attempts are made. At or below 0, no machine is cheap enough.
    """
    return success * human - review


def break_even_success(attempt: Fraction, review: Fraction, human: Fraction) -> Fraction:
    """Return the success rate above which the machine is cheaper: `(C_a + C_r) / C_h`."""
    return divide(attempt + review, human, "what a person costs")


def spend_to_salary(spend: Fraction, hourly_wage: Fraction, hours: Fraction) -> Fraction:
    """Return token spend as a share of loaded labour cost; what productivity must gain at least."""
    return divide(spend, hourly_wage * hours, "labour cost")


def sessions_max(run: Fraction, review: Fraction, prompt: Fraction) -> Fraction:
    """Return how many sessions one person can keep busy: `tau_run / (tau_review + tau_prompt)`."""
    return divide(run, review + prompt, "the attention a session takes")


def tasks_per_day(attention_hours: Fraction, review: Fraction, prompt: Fraction) -> Fraction:
    """Return how many tasks a day's attention judges, whatever the number of sessions."""
    return divide(attention_hours, review + prompt, "the attention a task takes")
