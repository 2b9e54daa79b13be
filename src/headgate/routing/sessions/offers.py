"""What finishing a session's task is expected to cost at each deployment; pure, integers.

    cost  = this call + calls left x a call whose prefix is kept + writing that prefix
    total = cost + (1 - p) x failure
    failure = stake + what the task costs anew where it succeeds most often / p there

`p` is how often tasks succeed there, lowered by what the session has shown so far; and, where the
budget of its run has less left than the task costs there, to the share that can be paid. Whoever
is not serving the session has to begin: it pays the prefix once, some calls to find its way, and
all of the task's calls; the same model at another place pays the prefix alone. So what a switch
throws away is in the comparison, not beside it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from headgate.routing.sessions.odds import CERTAIN_PPM, ppm_of

ORIENTATION_CALLS = 2
"""How many calls more a model needs that takes over what another has begun."""
PPM_MIN = 50_000
"""No task is expected to take more than twenty attempts."""


class Offer(NamedTuple):
    """A deployment as a session's next call meets it.

    Attributes:
        now_nanos: What that call costs there, with what of its prompt is warm.
        steady_nanos: What each later call costs, its prefix being kept.
        enter_nanos: What it costs beside that the prefix is kept: writing it; 0 where it is warm.
        quality_milli: Log-odds, in thousandths, that a task succeeds there.
        calls: How many calls a task takes there.
        doubt_ppm: One standard error of how often tasks succeed there, in millionths.
        alike: Whether it is the model that has served the session so far, at another place.
    """

    name: str
    now_nanos: int
    steady_nanos: int
    enter_nanos: int
    quality_milli: int
    calls: int
    doubt_ppm: int = 0
    alike: bool = False


class Weighed(NamedTuple):
    """An offer with what it comes to.

    Attributes:
        ppm: How often the task succeeds there from here on, in millionths.
        cost_nanos: The calls until it ends.
        total_nanos: With what a failure costs, as often as it is to be expected.
        doubt_nanos: What one standard error of that chance is worth.
    """

    offer: Offer
    ppm: int
    cost_nanos: int
    total_nanos: int
    doubt_nanos: int

    @property
    def name(self) -> str:
        """Whose offer it is."""
        return self.offer.name


class Progress(NamedTuple):
    """How far a session's task is.

    Attributes:
        incumbent: Who has served it so far, None when nobody has.
        home: With whom the session began, None when nobody has served it.
        done: How many of its calls were served.
        against_milli: What it has shown against the incumbent, in log-odds; at least 0.
        hard_milli: How much of that speaks of the task, and so against everybody.
        fresh: Whether a task begins: nothing is done yet, and nothing shown.
        idle: Whether it paused for longer than prefixes are kept.
        left_nanos: What the budget of its run has left, None where none is known.
    """

    incumbent: str | None
    home: str | None = None
    done: int = 0
    against_milli: int = 0
    hard_milli: int = 0
    fresh: bool = False
    idle: bool = False
    left_nanos: int | None = None

    def can_pay(self, cost_nanos: int) -> bool:
        """Tell whether what is left of the run's budget is enough for so much."""
        return self.left_nanos is None or cost_nanos <= self.left_nanos


def weigh(offers: Sequence[Offer], progress: Progress, stake_nanos: int) -> tuple[Weighed, ...]:
    """Return every offer with its total, the least first, equal ones by name.

    Args:
        offers: At least one.
        progress: How far the task is.
        stake_nanos: What a failure costs beside doing the task again.
    """
    costs = {each.name: _cost_nanos(each, progress) for each in offers}
    chances = {each.name: _paid_ppm(each, progress, costs[each.name]) for each in offers}
    best = max(offers, key=lambda each: (chances[each.name], -costs[each.name], each.name))
    anew = _anew_nanos(best) * CERTAIN_PPM // max(PPM_MIN, chances[best.name])
    failure = stake_nanos + anew
    weighed = (
        Weighed(
            each,
            chances[each.name],
            costs[each.name],
            costs[each.name] + (CERTAIN_PPM - chances[each.name]) * failure // CERTAIN_PPM,
            each.doubt_ppm * failure // CERTAIN_PPM,
        )
        for each in offers
    )
    return tuple(sorted(weighed, key=lambda each: (each.total_nanos, each.name)))


def calls_left(calls: int, done: int) -> int:
    """Return how many calls a task has left that usually takes `calls`.

    One that takes longer than usual goes on for another quarter of what it took: long ones are
    long, and nobody knows by how much.
    """
    return max(calls - done, done // 4, 1)


def _goes_on(offer: Offer, progress: Progress) -> bool:
    """Tell whether the model that has done the task so far would go on with it."""
    return offer.alike or offer.name == progress.incumbent


def _anew_nanos(offer: Offer) -> int:
    return offer.enter_nanos + offer.now_nanos + offer.steady_nanos * max(0, offer.calls - 1)


def _cost_nanos(offer: Offer, progress: Progress) -> int:
    if _goes_on(offer, progress):
        done = 0 if progress.fresh else progress.done
        later = calls_left(offer.calls, done) - 1
        return offer.enter_nanos + offer.now_nanos + offer.steady_nanos * later
    found = 0 if progress.incumbent is None else ORIENTATION_CALLS
    return _anew_nanos(offer) + offer.steady_nanos * found


def _paid_ppm(offer: Offer, progress: Progress, cost_nanos: int) -> int:
    """Return how often the task succeeds, as far as the run's budget pays for it."""
    ppm = _ppm(offer, progress)
    if progress.left_nanos is None or progress.can_pay(cost_nanos):
        return ppm
    return ppm * max(0, progress.left_nanos) // cost_nanos


def _ppm(offer: Offer, progress: Progress) -> int:
    if progress.fresh:
        return ppm_of(offer.quality_milli)
    is_it = _goes_on(offer, progress)
    against = progress.against_milli if is_it else progress.hard_milli
    return ppm_of(offer.quality_milli - against)
