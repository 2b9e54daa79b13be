"""`ab`: send each session, or principal, by one of several policies, always the same one.

Which one is a matter of a hash of the policy's name and the session's, so all workers agree, a
session is never torn, and two experiments do not share their halves.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import NEEDS_NOTHING, Chosen, Inputs, Notes, Settings
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "ab"
SETTINGS: Final = (Setting("arms", "policies", required=True),)
NEEDS: Final = NEEDS_NOTHING


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates as the arm's policy orders them."""
    return leaf(settings, inputs).rank(candidates, inputs)


def arm(settings: Settings, unit: str) -> int:
    """Return the number of the arm that a session or principal belongs to."""
    keys = sorted(settings.parts)
    total = sum(settings.value(key) for key in keys)
    digest = blake2b(f"{settings.name}\0{unit}".encode(errors="replace"), digest_size=8).digest()
    place = int.from_bytes(digest, "big") * total >> 64
    for number, key in enumerate(keys):
        place -= settings.value(key)
        if place < 0:
            return number
    return 0


def leaf(settings: Settings, inputs: Inputs) -> Chosen:
    """Return the policy of the arm; the first when nobody said which."""
    return settings.parts[sorted(settings.parts)[inputs.get(settings.name, 0)]]


def notes(_ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Notes:
    """Return the arm's policy by name."""
    return {settings.name: leaf(settings, inputs).settings.name}
