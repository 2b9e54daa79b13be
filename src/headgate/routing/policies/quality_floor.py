"""`quality_floor`: the cheapest whose quality is certain enough to be above a floor.

Certain enough means that the lower end of the estimate's interval is: what little is known of
does not pass, however good it looks. Where nobody passes, the best expected one serves.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies import cheapest
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import Inputs, Need, Settings
from headgate.routing.settings import PPM, Setting

__all__ = ["plan"]

KIND = "quality_floor"
SETTINGS: Final = (
    Setting("floor", "share"),
    Setting("of_best", "share"),
    Setting("then", "policy"),
)
NEEDS: Final[frozenset[Need]] = frozenset({"text"})


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return those above the floor by cost, or as `then` orders them; the best of the rest next.

    With `floor` and `of_best` the higher of the two floors holds.
    """
    best_ppm = max((one.expected.quality_ppm for one in candidates), default=0)
    floor_ppm = max(settings.value("floor"), settings.value("of_best") * best_ppm // PPM)
    above = [one for one in candidates if one.expected.low_ppm >= floor_ppm]
    below = [one for one in candidates if one.expected.low_ppm < floor_ppm]
    then = settings.parts.get("then")
    ordered = cheapest.rank(above, settings, inputs) if then is None else then.rank(above, inputs)
    return (*ordered, *sorted(below, key=_best_first))


def _best_first(one: Quoted) -> tuple[int, bool, int, str]:
    unpriced = one.expected_nanos is None
    return (-one.expected.quality_ppm, unpriced, one.likely_nanos, one.deployment.id)
