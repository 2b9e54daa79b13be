"""`ordered`: try deployments in the order the configuration lists them."""

from collections.abc import Sequence

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan

__all__ = ["plan"]

KIND = "ordered"


def rank(candidates: Sequence[Quoted]) -> tuple[Quoted, ...]:
    """Return the candidates as they are listed."""
    return tuple(sorted(candidates, key=lambda quoted: (quoted.position, quoted.deployment.id)))
