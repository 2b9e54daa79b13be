"""`explore`: order by another policy, and let a small share of calls try who may be better.

Without trying, what is learned of a model stays what it was when it was last chosen. How much is
tried is bounded twice: by a share of the calls, and by what that may cost a day beyond the other
policy's choice. Whom chance may not touch has no draw among its inputs, and is never tried with.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.learning.exploring import Belief, belief, chance_best, sampled, uniform
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import NO_NOTES, Inputs, Need, Notes, Settings
from headgate.routing.settings import PPM, Setting

__all__ = ["plan"]

KIND = "explore"
SETTINGS: Final = (
    Setting("serve", "policy", required=True),
    Setting("share", "share", default=30_000),
    Setting("usd_per_day", "usd", required=True),
)
NEEDS: Final[frozenset[Need]] = frozenset({"text", "feedback"})

DRAW: Final = "explore.draw"
"""The input that all chance of a call follows from; without it nothing is tried."""

SPENT: Final = "explore.spent_nanos"
"""The input that says what trying has cost today."""

PROPENSITY: Final = "propensity_ppm"
COST: Final = "explore_nanos"


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return them as the other policy orders them; a share of the time with another one first."""
    ranked = settings.parts["serve"].rank(candidates, inputs)
    choice = _choice(ranked, settings, inputs)
    draw = inputs.get(DRAW)
    if draw is None or len(choice) < 2 or uniform(draw, "explore") * PPM >= settings.value("share"):
        return ranked
    values = [sampled(_belief(one), draw, one.deployment.id) for one in choice]
    tried = choice[values.index(max(values))]
    return (tried, *(one for one in ranked if one is not tried))


def notes(ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Notes:
    """Return with what chance the first was first, and what trying it costs more than not."""
    plain = settings.parts["serve"].rank(ranked, inputs)
    choice = _choice(plain, settings, inputs)
    if DRAW not in inputs or len(choice) < 2:
        return NO_NOTES
    first, usual = ranked[0], plain[0]
    others = [_belief(one) for one in choice if one.deployment.id != first.deployment.id]
    share = settings.value("share")
    chance = share * chance_best(_belief(first), others)
    if first.deployment.id == usual.deployment.id:
        chance += PPM - share
    more = max(0, first.net_nanos - usual.net_nanos)
    return {PROPENSITY: max(1, round(chance)), COST: more}


def _choice(ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return whom chance may choose from: all with a price that is within what is left today."""
    if not ranked or ranked[0].expected_nanos is None:
        return ()
    left = settings.value("usd_per_day") - inputs.get(SPENT, 0)
    most = ranked[0].net_nanos + max(0, left)
    return tuple(one for one in ranked if one.expected_nanos is not None and one.net_nanos <= most)


def _belief(one: Quoted) -> Belief:
    return belief(one.expected.quality_ppm, one.expected.n_milli)
