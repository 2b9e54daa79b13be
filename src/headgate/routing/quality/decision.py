"""A decision between estimates: quality less its price, the runner-up, what would flip it."""

from typing import NamedTuple

from headgate.routing.quality.estimator import Estimate


class QualityDecision(NamedTuple):
    """Why a model was chosen for a text.

    Attributes:
        chosen: The estimate with the highest worth.
        runner_up: The next; None when there was no other.
        flip_share: How much dearer (0.23 is 23 %) the chosen one would have to be for the runner-up
            to win; None when no price would do it, or there is no runner-up.
        estimates: All of them, best first.
    """

    chosen: Estimate
    runner_up: Estimate | None
    flip_share: float | None
    estimates: tuple[Estimate, ...]


def decide(estimates: tuple[Estimate, ...], quality_per_usd: float) -> QualityDecision:
    """Choose the highest `quality - quality_per_usd * cost_usd`; of equal ones the first given.

    Args:
        estimates: At least one.
        quality_per_usd: How much quality a dollar must buy; 0 chooses by quality alone.
    """

    def worth(one: Estimate) -> float:
        return one.quality - quality_per_usd * one.cost_usd

    ranked = tuple(sorted(estimates, key=worth, reverse=True))
    chosen, runner_up = ranked[0], ranked[1] if len(ranked) > 1 else None
    paid = quality_per_usd * chosen.cost_usd
    flip = None if runner_up is None or paid <= 0 else (worth(chosen) - worth(runner_up)) / paid
    return QualityDecision(chosen, runner_up, flip, ranked)
