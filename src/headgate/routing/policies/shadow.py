"""`shadow`: serve by one policy, and note whom another would have chosen.

Both see the same candidates with the same estimates, so the note is what the other would have done
with this very call. Nothing is sent there.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import (
    NEEDS_NOTHING,
    NO_NOTES,
    Chosen,
    Inputs,
    Notes,
    Settings,
)
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "shadow"
SETTINGS: Final = (
    Setting("serve", "policy", required=True),
    Setting("shadow", "policy", required=True),
)
NEEDS: Final = NEEDS_NOTHING


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates as the serving policy orders them."""
    return leaf(settings, inputs).rank(candidates, inputs)


def leaf(settings: Settings, _inputs: Inputs) -> Chosen:
    """Return the serving policy."""
    return settings.parts["serve"]


def notes(ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Notes:
    """Return whom the other policy puts first."""
    other = settings.parts["shadow"].rank(ranked, inputs)
    return {settings.name: other[0].deployment.id} if other else NO_NOTES
