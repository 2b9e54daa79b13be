"""`weighted`: spread calls over deployments by their weights; the rest follow, the heaviest first.

Turns are spread by multiples of the golden ratio: they fill the weights as evenly as can be, in
every stretch of calls, without chance and without a memory. A call whose prompt is warm somewhere
goes there: the weights share out the sessions that begin, not each of their calls.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import NEEDS_NOTHING, Inputs, Settings
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "weighted"
SETTINGS: Final[tuple[Setting, ...]] = ()
NEEDS: Final = NEEDS_NOTHING

_BITS: Final = 64
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming, 6.4)."""


def rank(candidates: Sequence[Quoted], _settings: Settings, _inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates by weight, the heaviest first; those of weight 0 only follow."""
    return tuple(
        sorted(
            candidates, key=lambda quoted: (-quoted.weight, quoted.position, quoted.deployment.id)
        )
    )


def spread(ranked: Sequence[Quoted], turn: int) -> tuple[Quoted, ...]:
    """Return the ranking with the one in front where the call is warm, or else whose turn it is."""
    warmest = max(ranked, key=lambda quoted: quoted.warm_nanos, default=None)
    if warmest is not None and warmest.warm_nanos and warmest.weight:
        return (warmest, *(quoted for quoted in ranked if quoted is not warmest))
    total = sum(quoted.weight for quoted in ranked)
    place = ((turn * _GOLDEN) % (1 << _BITS) * total) >> _BITS
    for number, quoted in enumerate(ranked):
        place -= quoted.weight
        if place < 0:
            return (quoted, *ranked[:number], *ranked[number + 1 :])
    return tuple(ranked)
