"""What its providers tell it; light, so that a process of its own may import it."""

from msgspec import Struct


class Place(Struct, frozen=True):
    """Where a simulated provider is: the base URL for Anthropic's clients, its control surface."""

    base: str
    admin: str


class PlacesReady(Struct, frozen=True):
    """All of them, by name."""

    places: dict[str, Place]
