"""`best_value`: quality, less what it costs and how long it takes, all in money.

The configuration says what a call's quality is worth: `point_usd` for each percentage point of the
chance of a good answer, and `second_usd` for each second of waiting. `headgate routing eval` tells
which `point_usd` reaches a share of the best model's quality on rows of one's own.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import Inputs, Need, Settings
from headgate.routing.settings import PPM, Setting

__all__ = ["plan"]

KIND = "best_value"
SETTINGS: Final = (
    Setting("point_usd", "usd", required=True),
    Setting("second_usd", "usd", default=0),
)
NEEDS: Final[frozenset[Need]] = frozenset({"text"})

POINT_PPM: Final = PPM // 100
MS_PER_SECOND: Final = 1_000


def rank(candidates: Sequence[Quoted], settings: Settings, _inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates by their worth; equal ones by cost and name, unpriced last.

    Who was not measured lately is taken for as fast as the middle one of those that were.
    """
    measured = sorted(ms for one in candidates if (ms := one.expected.latency_ms) is not None)
    middle_ms = measured[len(measured) // 2] if measured else 0
    point_nanos, second_nanos = settings.value("point_usd"), settings.value("second_usd")

    def key(one: Quoted) -> tuple[bool, int, int, str]:
        told, cost_nanos = one.expected, one.likely_nanos
        latency_ms = told.latency_ms if measured else None
        waited_ms = middle_ms if latency_ms is None else latency_ms
        worth_nanos = (
            told.quality_ppm * point_nanos // POINT_PPM
            - cost_nanos
            - waited_ms * second_nanos // MS_PER_SECOND
        )
        return (one.expected_nanos is None, -worth_nanos, cost_nanos, one.deployment.id)

    return tuple(sorted(candidates, key=key))
