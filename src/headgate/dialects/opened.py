"""The members of a long body, whose lists of objects are decoded once, however many look in."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

LONG_BYTES = 16 << 10
"""A shorter body costs less to decode again than to remember."""

_OBJECTS = msgspec.json.Decoder(list[dict[str, Raw]])

Objects = list[dict[str, Raw]]


class Members(dict[str, Raw]):
    """The members of a long body, as its dialect has decoded them."""

    __slots__ = ("_opened",)

    def __init__(self, values: dict[str, Raw]) -> None:
        super().__init__(values)
        # By the identity of a value, which is kept so that it stays its own.
        self._opened: dict[int, tuple[Raw, Objects]] = {}

    def remember(self, value: Raw, objects: Objects) -> None:
        """Take the objects of a list that stands in the body, which somebody has decoded."""
        self._opened[id(value)] = (value, objects)

    def objects(self, value: Raw) -> Objects:
        """Return the objects of a list that stands in the body; they belong to everybody.

        Raises:
            msgspec.DecodeError: It is no list of objects.
        """
        found = self._opened.get(id(value))
        if found is None:
            found = self._opened[id(value)] = (value, _OBJECTS.decode(value))
        return found[1]


def objects_in(members: Mapping[str, Raw], value: Raw) -> Objects:
    """Return the objects of a list that stands in a body, of which nothing may be taken out.

    Args:
        members: The body's.
        value: The list, wherever it stands.

    Raises:
        msgspec.DecodeError: It is no list of objects.
    """
    return members.objects(value) if isinstance(members, Members) else _OBJECTS.decode(value)
