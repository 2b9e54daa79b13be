"""Outcomes out of the books: each that was told, with what its calls cost and who served them."""

from fractions import Fraction

from sqlalchemy import Connection

from headgate.economics.roi.load_rows import BAD_SHOWN, Outcome, Read
from headgate.insights.outcomes import endings
from headgate.units.money import NANOS_PER_USD

UNNAMED = "(no task)"


def booked_outcomes(connection: Connection) -> Read[Outcome]:
    """Return all outcomes as attempts at tasks; the model is the one that most money went to.

    What was taken back, reopened or reverted, was judged once more each time: each is an attempt
    that failed, at an equal part of the cost. An outcome whose calls are not in the books yet
    cannot be read, and is counted as such.
    """
    rows: list[Outcome] = []
    problems: list[str] = []
    for row, costs in endings(connection, None):
        dearest = max(costs, key=lambda each: each.posted_nanos, default=None)
        if dearest is None or dearest.model is None:
            problems.append(f"{row.kind} {row.subject} has no call that was served")
            continue
        spent = sum(cost.posted_nanos for cost in costs)
        # Where the last word is failure, it is the taking back itself.
        attempts = row.reopened + (1 if row.success else 1 - min(row.reopened, 1))
        usd = Fraction(spent, NANOS_PER_USD * attempts)
        task, model = row.task or UNNAMED, dearest.model
        rows += [Outcome(task, model, usd, resolved=False)] * (attempts - 1)
        rows.append(Outcome(task, model, usd, row.success))
    rows.sort(key=lambda one: (one.workflow, one.model, one.cost_usd, one.resolved))
    return Read(rows, len(problems), sorted(problems)[:BAD_SHOWN])
