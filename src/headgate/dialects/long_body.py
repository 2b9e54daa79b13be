"""A long body read in one pass of the decoder: its members, and the objects of its conversation.

The decoder skips 120 kB in 35 us, whatever it is asked for. It cannot be asked for all members as
they stand and for the objects inside one of them at once, so it is asked for the objects; where
they stand is found and compared, and what is left of the body without them is decoded in no time.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from headgate.dialects.opened import Objects
from headgate.dialects.splice import compact_bytes, count_off

OBJECTS_MAX: Final = 32
"""To compare more of them costs as much as another pass."""

CONVERSATIONS: Final = ("messages", "input", "contents")
"""What dialects call the list of all that was said."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_OBJECTS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(msgspec.defstruct("Body", [(name, Objects)]))
    for name in CONVERSATIONS
}
_PLACE: Final = b"null"


def objects_of(body: bytes, name: str) -> Objects | None:
    """Return the objects of a body's conversation; of a key that stands there twice, the last one.

    Args:
        body: Bytes that are ASCII.
        name: Of the conversation, one of `CONVERSATIONS`.

    Returns:
        None when the body is not valid, or that member is no list of objects.
    """
    try:
        found: Objects = getattr(_OBJECTS[name].decode(body), name)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found


def members_around(body: bytes, name: str, objects: Objects) -> dict[str, Raw] | None:
    """Return the members of a body without whitespace or keys that stand there twice.

    It is exact: the bytes at the place of the conversation are those of its objects, which are
    valid JSON; the rest, with another value at that place, is valid JSON as well, and the place is
    that of the member in it.

    Args:
        body: The body.
        name: Of the conversation.
        objects: What `objects_of` found in it.

    Returns:
        None when it is another kind of body, or has too many objects.
    """
    if len(objects) > OBJECTS_MAX:
        return None
    sign = b'"%b":' % name.encode()
    start = body.find(sign) + len(sign)
    end = _end_of(objects, body, start)
    if end is None:
        return None
    rest = b"%b%b%b" % (body[:start], _PLACE, body[end:])
    try:
        values = _MEMBERS.decode(rest)
    except (msgspec.DecodeError, RecursionError):
        return None
    starts = count_off(values)
    if len(rest) != compact_bytes(values) or starts.get(name) != start:
        return None
    values[name] = Raw(memoryview(body)[start:end])
    return values


def _end_of(objects: Objects, body: bytes, at: int) -> int | None:
    """Return where a list of objects ends that stands at `at` without whitespace.

    Each value is compared where it stands, for to put them together takes as long as to read them.

    Returns:
        None when something else stands there.
    """
    sign = b"["
    for each in objects:
        sign += b"{"
        for key, value in each.items():
            sign += b"%b:" % msgspec.json.encode(key)
            start = at + len(sign)
            if not body.startswith(sign, at) or not body.startswith(value, start):
                return None
            at = start + len(value)
            sign = b","
        sign = b"}," if each else sign + b"},"
    sign = (sign[:-1] if objects else sign) + b"]"
    return at + len(sign) if body.startswith(sign, at) else None
