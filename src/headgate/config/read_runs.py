"""`[runs]`: guards against runs that run away."""

from headgate.budgets.settings import RunLimits
from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.shapes_budgets import RunsShape
from headgate.units.money import MoneyError, parse_usd


def runs_from(table: object, problems: Problems) -> RunLimits:
    """Return the guards of every run."""
    shape = checked(table, "runs", RunsShape, problems)
    per_minute = None
    if shape.spend_usd_per_minute_max is not None:
        try:
            per_minute = parse_usd(str(shape.spend_usd_per_minute_max))
        except MoneyError as error:
            fix = 'Write dollars as text: "2.50".'
            problems.add("runs.spend_usd_per_minute_max", f"{error}.", fix)
    return RunLimits(shape.calls_max, shape.depth_max, per_minute, shape.repeats_max)
