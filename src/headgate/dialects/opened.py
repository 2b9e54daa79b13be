"""The members of a long body, whose lists of objects are decoded once, however many look in."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from headgate.dialects.conversations import Conversation, Objects, Opened, Theirs

LONG_BYTES = 16 << 10
"""A shorter body costs less to decode again than to remember."""

LARGE_BYTES = 128 << 10
"""A longer one is read in steps, so that nobody waits for all of them."""

_OBJECTS = msgspec.json.Decoder(list[dict[str, Raw]])


class Members(dict[str, Raw]):
    """The members of a long body, as its dialect has decoded them.

    Attributes:
        opened: How they were read, None when that was in more than one pass.
        conversation: What is remembered of the conversation, None when nothing is.
        unkept: Among whose conversations it is yet to be remembered, None for nobody's.
    """

    __slots__ = ("_name", "_shared", "conversation", "opened", "unkept")

    def __init__(self, values: dict[str, Raw]) -> None:
        super().__init__(values)
        # By the identity of a value, which is kept so that it stays its own.
        self._shared: dict[int, tuple[Raw, Objects]] = {}
        self.opened: Opened | None = None
        self.conversation: Conversation | None = None
        self.unkept: Theirs | None = None
        self._name = ""

    @property
    def is_new(self) -> bool:
        """Whether it goes on with nothing that was sent before."""
        return self.opened is None or self.opened.reached is None

    def take(self, name: str, opened: Opened) -> None:
        """Take how the body was read whose conversation has that name."""
        self.opened, self._name = opened, name
        if not opened.known:
            self.remember(self[name], opened.objects)

    def remember(self, value: Raw, objects: Objects) -> None:
        """Take the objects of a list that stands in the body, which somebody has decoded."""
        self._shared[id(value)] = (value, objects)

    def objects(self, value: Raw) -> Objects:
        """Return the objects of a list that stands in the body; they belong to everybody.

        Raises:
            msgspec.DecodeError: It is no list of objects.
        """
        found = self._shared.get(id(value))
        if found is None:
            found = self._shared[id(value)] = (value, _OBJECTS.decode(value))
        return found[1]

    def objects_from(self, name: str, first: int) -> Objects:
        """Return the objects of a list in the body, without so many of the first ones.

        Raises:
            msgspec.DecodeError: It is no list of objects.
        """
        opened = self.opened
        if opened is not None and first and first == opened.known and name == self._name:
            return opened.objects
        return self.objects(self[name])[first:]


def objects_in(members: Mapping[str, Raw], value: Raw) -> Objects:
    """Return the objects of a list that stands in a body, of which nothing may be taken out.

    Args:
        members: The body's.
        value: The list, wherever it stands.

    Raises:
        msgspec.DecodeError: It is no list of objects.
    """
    return members.objects(value) if isinstance(members, Members) else _OBJECTS.decode(value)
