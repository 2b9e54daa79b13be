"""The three forms of what is learned, and the message in which it is told.

Counts are added, faded sums are added once both are as of the same instant, and of what is known
at an instant the latest stands. What a key means, only who learns it knows.
"""

from msgspec import Struct

Key = tuple[str, ...]
"""The part that it is of, then whatever tells one thing from others."""

Value = tuple[str | int | None, ...]

ROWS_MAX = 2_000
"""So many rows of each form go into one message: below the limit of a message's bytes."""


class CountRow(Struct, frozen=True, array_like=True):
    """How often each number was seen."""

    key: Key
    numbers: dict[int, int]


class FadedRow(Struct, frozen=True, array_like=True):
    """Sums that fade; see `headgate.capacity.pace.Faded`."""

    key: Key
    half_life_ns: int
    at_ns: int
    above: int
    below: int
    weight: int


class LatestRow(Struct, frozen=True, array_like=True):
    """What was known of a thing at an instant."""

    key: Key
    at_ns: int
    value: Value


class Experience(Struct, frozen=True, tag_field="type", tag="experience"):
    """What was learned; a message as those of `headgate.node.messages`.

    Attributes:
        hashes: Tells by what key texts are hashed: hashes of others mean nothing here.
        whole: Whether it is all that is known, to be taken where less is known; else what has come
            since the last was told, to be added.
    """

    hashes: int
    whole: bool = False
    counts: tuple[CountRow, ...] = ()
    faded: tuple[FadedRow, ...] = ()
    latest: tuple[LatestRow, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.counts or self.faded or self.latest)


def is_newer(one: LatestRow, other: LatestRow) -> bool:
    """Tell which of two rows stands; of one instant, always the same one."""
    if one.at_ns != other.at_ns:
        return one.at_ns > other.at_ns
    return repr(one.value) > repr(other.value)
