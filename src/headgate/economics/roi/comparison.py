"""Which model finishes a task for least, of those that tried the same kind of task."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from headgate.economics.amounts import dollars
from headgate.economics.roi.cost import Group, Tariff


def span(group: Group, tariff: Tariff) -> tuple[Fraction, Fraction]:
    """Return the dollars of a finished task at both ends of the success rate, the lower first."""
    low, high = sorted(tariff.cost(group.attempt_usd, rate) for rate in (group.low, group.high))
    return low, high


def compared(groups: Sequence[Group], tariff: Tariff, attempts_min: int) -> Iterator[str]:
    """Yield a sentence for each kind of task that two models or more have tried often enough.

    One is called the cheapest only when its interval ends below where all others begin.
    """
    tried: dict[str, list[Group]] = {}
    for group in groups:
        if group.attempts >= attempts_min:
            tried.setdefault(group.workflow, []).append(group)
    for workflow, models in tried.items():
        if len(models) > 1:
            yield f"Per finished task at {workflow}, {_least(models, tariff)}."


def _least(models: Sequence[Group], tariff: Tariff) -> str:
    best, *others = sorted(models, key=lambda one: tariff.cost(one.attempt_usd, one.success))
    end = span(best, tariff)[1]
    near = [one.model for one in others if span(one, tariff)[0] <= end]
    cost = dollars(tariff.cost(best.attempt_usd, best.success))
    if near:
        return f"{best.model} ({cost} USD) cannot be told from {', '.join(near)}"
    said = f"{best.model} costs least: {cost} USD"
    cheaper = min(others, key=lambda one: one.attempt_usd)
    if cheaper.attempt_usd < best.attempt_usd:
        dearer = dollars(tariff.cost(cheaper.attempt_usd, cheaper.success))
        said += f", though an attempt of {cheaper.model} is cheaper (a finished task {dearer} USD)"
    return said
