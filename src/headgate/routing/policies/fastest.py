"""`fastest`: try deployments from the quickest expected answer upwards.

How fast one is, is measured on the calls it serves, and forgotten within minutes. Who was not
measured lately comes last, but one call in thirty-two goes there first: otherwise it would never
be measured again.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import Inputs, Need, Settings
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "fastest"
SETTINGS: Final[tuple[Setting, ...]] = ()
NEEDS: Final[frozenset[Need]] = frozenset({"estimates"})

PROBED_EVERY: Final = 32


def rank(candidates: Sequence[Quoted], _settings: Settings, _inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates by the time of their median answer; equal ones by cost and name."""
    return tuple(sorted(candidates, key=_key))


def _key(quoted: Quoted) -> tuple[bool, int, int, str]:
    latency_ms = quoted.expected.latency_ms
    return (latency_ms is None, latency_ms or 0, quoted.likely_nanos, quoted.deployment.id)


def spread(ranked: Sequence[Quoted], turn: int) -> tuple[Quoted, ...]:
    """Return the ranking, now and then with one in front that was not measured lately."""
    unmeasured = [quoted for quoted in ranked if quoted.expected.latency_ms is None]
    if turn % PROBED_EVERY or not unmeasured or len(unmeasured) == len(ranked):
        return tuple(ranked)
    probed = unmeasured[turn // PROBED_EVERY % len(unmeasured)]
    return (probed, *(quoted for quoted in ranked if quoted is not probed))
