"""The three forms of what is learned, and the message in which it is told.

Counts are added, faded sums are added once both are as of the same instant, and of what is known
at an instant the latest stands. What a key means, only who learns it knows.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from headgate.capacity.pace import Fading
from headgate.units.counts import Counts

Key = tuple[str, ...]
"""The part that it is of, then whatever tells one thing from others."""

Value = tuple[str | int | None, ...]

ROWS_MAX = 2_000
"""So many rows of each form go into one message: below the limit of a message's bytes."""


class CountRow(Struct, frozen=True, array_like=True):
    """How often each number was seen; from `most` on, what was seen before counts half."""

    key: Key
    most: Annotated[int, Meta(ge=2)]
    numbers: dict[int, int]


class FadedRow(Struct, frozen=True, array_like=True):
    """Sums that fade; see `headgate.capacity.pace.Faded`."""

    key: Key
    half_life_ns: Annotated[int, Meta(ge=1)]
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


def told(
    hashes: int,
    counts: Mapping[Key, Counts],
    faded: Mapping[Key, Fading],
    latest: Mapping[Key, LatestRow],
    *,
    whole: bool = False,
) -> Iterator[Experience]:
    """Yield what was learned as messages, as many as it takes; see `Experience`."""
    counted = [CountRow(key, each.most, dict(each.numbers)) for key, each in counts.items()]
    sums = [FadedRow(key, each.half_life_ns, *each.faded()) for key, each in faded.items()]
    known = list(latest.values())
    for start in range(0, max(len(counted), len(sums), len(known)), ROWS_MAX):
        end = start + ROWS_MAX
        rows = tuple(counted[start:end]), tuple(sums[start:end]), tuple(known[start:end])
        yield Experience(hashes, whole, *rows)


def is_newer(one: LatestRow, other: LatestRow) -> bool:
    """Tell which of two rows stands; of one instant, always the same one."""
    if one.at_ns != other.at_ns:
        return one.at_ns > other.at_ns
    return repr(one.value) > repr(other.value)
