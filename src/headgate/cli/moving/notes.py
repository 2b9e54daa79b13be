"""What a configuration of others says that ours cannot: each with why, and what to do instead."""

from collections.abc import Iterator
from typing import NamedTuple

PLACES_SHOWN = 3


class Note(NamedTuple):
    """Something that was not carried over, or not as it was.

    Attributes:
        setting: What it is about, as the file calls it.
        why: A sentence.
        instead: What to do, a sentence.
        places: Where it stands, each once; empty where the setting itself says it.
    """

    setting: str
    why: str
    instead: str
    places: tuple[str, ...]

    @property
    def where(self) -> str:
        """The setting, and where it stands."""
        if not self.places:
            return self.setting
        more = len(self.places) - PLACES_SHOWN
        shown = ", ".join(self.places[:PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"{self.setting} ({shown})"


class Notes:
    """Collects notes in the order they are found; what is said of many places is one note."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str, str], list[str]] = {}

    def add(self, setting: str, why: str, instead: str, place: str = "") -> None:
        """Note a setting; `why` and `instead` are sentences, `place` an entry of a list."""
        places = self._places.setdefault((setting, why, instead), [])
        if place and place not in places:
            places.append(place)

    def __iter__(self) -> Iterator[Note]:
        return (Note(*key, tuple(places)) for key, places in self._places.items())
