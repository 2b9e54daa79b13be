"""`ordered`: try deployments in the order the configuration lists them."""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import NEEDS_NOTHING, Inputs, Settings
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "ordered"
SETTINGS: Final[tuple[Setting, ...]] = ()
NEEDS: Final = NEEDS_NOTHING


def rank(candidates: Sequence[Quoted], _settings: Settings, _inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates as they are listed."""
    return tuple(sorted(candidates, key=lambda quoted: (quoted.position, quoted.deployment.id)))
