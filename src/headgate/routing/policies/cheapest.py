"""`cheapest`: try deployments from the lowest expected cost upwards.

What the call's prompt would save where it is warm is taken off first, so a session stays where it
is cached as long as that is cheaper, and no longer.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Outcome, Plan, Quoted
from headgate.routing.policies.registry import NEEDS_NOTHING, Inputs, Settings
from headgate.routing.settings import Setting

KIND = "cheapest"
SETTINGS: Final[tuple[Setting, ...]] = ()
NEEDS: Final = NEEDS_NOTHING


def rank(candidates: Sequence[Quoted], _settings: Settings, _inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates in the order they are tried; equal ones by name, unpriced last."""
    return tuple(
        sorted(
            candidates,
            key=lambda quoted: (
                quoted.expected_nanos is None,
                quoted.likely_nanos,
                quoted.deployment.id,
            ),
        )
    )


def plan(ranked: Sequence[Quoted]) -> Plan:
    """Yield attempts until one is served or fails for good."""
    for quoted in ranked:
        outcome = yield quoted
        if outcome is not Outcome.RETRYABLE:
            return
