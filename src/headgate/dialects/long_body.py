"""A long body read in one pass of the decoder, or in less: its members, and its conversation.

The decoder skips 120 kB in 35 us, whatever it is asked for. It cannot be asked for all members as
they stand and for the objects inside one of them at once, so it is asked for the objects; where
they stand is found and compared, and what is left of the body without them is decoded in no time.
What is known of the objects from before is not decoded at all.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from headgate.dialects.conversations import Objects, Opened, Theirs
from headgate.dialects.splice import compact_bytes, count_off

OBJECT_BYTES_MIN: Final = 1_024
"""To compare objects that are shorter, on average, costs as much as another pass."""

REMEMBERED_BYTES_MIN: Final = 128
"""The same where they are remembered, so that it is done once."""

KEYS_MAX: Final = 16_384
"""So many members of all objects are compared: more take longer than anybody should wait."""

OBJECTS_MIN: Final = 32
"""So many are compared however short they are."""

CONVERSATIONS: Final = ("messages", "input", "contents")
"""What dialects call the list of all that was said."""

_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_OBJECTS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(msgspec.defstruct("Body", [(name, Objects)]))
    for name in CONVERSATIONS
}
_PLACE: Final = b"null"


def is_utf8(body: bytes) -> bool:
    """Tell whether bytes are UTF-8, as JSON has to be (RFC 8259, 8.1).

    The decoder sees it only of what it does not skip.
    """
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def go_on(body: bytes, name: str, theirs: Theirs) -> Opened | None:
    """Read a body whose conversation begins as one that its caller has sent before.

    It is exact. What is known is whole objects with commas between them, in valid JSON; without
    them the body is as valid as with them, and says the same beside them, if that is a list which
    they are taken out of. That it is, and of which member, the rest of the body shows.

    Args:
        body: The body.
        name: Of its conversation.
        theirs: What was read of the caller's.

    Returns:
        None when it begins another conversation, or is a body of another kind.
    """
    sign = b'"%b":' % name.encode()
    start = body.find(sign) + len(sign)
    reached = theirs.find(body, start)
    if reached is None:
        return None
    rest = _without(body, start, start + reached.mark.size)
    if rest is None or not is_utf8(rest):
        return None
    objects = objects_of(rest, name)
    opened = None if objects is None else open_around(rest, name, objects, REMEMBERED_BYTES_MIN)
    if opened is None:
        return None
    gone = len(body) - len(rest)
    opened.stop += gone
    opened.ends = [end + gone for end in opened.ends]
    opened.values[name] = Raw(memoryview(body)[start : opened.stop])
    opened.reached = reached
    return opened


def _without(body: bytes, start: int, end: int) -> bytes | None:
    """Return a body without the objects that stand between the start of a list and an end."""
    if body[end : end + 1] == b"]":
        return body[: start + 1] + body[end:]
    # With nothing behind it, the comma would be one too many.
    return body[: start + 1] + body[end + 1 :] if body[end : end + 2] == b",{" else None


def objects_of(body: bytes, name: str) -> Objects | None:
    """Return the objects of a body's conversation; of a key that stands there twice, the last one.

    Args:
        body: Bytes that are UTF-8.
        name: Of the conversation, one of `CONVERSATIONS`.

    Returns:
        None when the body is not valid, or that member is no list of objects.
    """
    try:
        found: Objects = getattr(_OBJECTS[name].decode(body), name)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found


def open_around(
    body: bytes, name: str, objects: Objects, bytes_min: int = OBJECT_BYTES_MIN
) -> Opened | None:
    """Read the rest of a body without whitespace or keys that stand there twice.

    It is exact: the bytes at the place of the conversation are those of its objects, which are
    valid JSON; the rest, with another value at that place, is valid JSON as well, and the place is
    that of the member in it.

    Args:
        body: The body.
        name: Of the conversation.
        objects: What `objects_of` found in it.
        bytes_min: How long these have to be on average, where they are many.

    Returns:
        None when it is another kind of body, or has too many objects.
    """
    many = len(objects) > max(OBJECTS_MIN, len(body) // bytes_min)
    if many or sum(map(len, objects)) > KEYS_MAX:
        return None
    sign = b'"%b":' % name.encode()
    start = body.find(sign) + len(sign)
    ends: list[int] = []
    stop = _walk(objects, body, start, ends)
    if stop is None:
        return None
    rest = b"%b%b%b" % (body[:start], _PLACE, body[stop:])
    try:
        values = _MEMBERS.decode(rest)
    except (msgspec.DecodeError, RecursionError):
        return None
    starts = count_off(values)
    if len(rest) != compact_bytes(values) or starts.get(name) != start:
        return None
    values[name] = Raw(memoryview(body)[start:stop])
    return Opened(values, start, stop, ends, objects)


def _walk(objects: Objects, body: bytes, at: int, ends: list[int]) -> int | None:
    """Return where a list of objects ends that stands at `at` without whitespace.

    Each value is compared where it stands, for to put them together takes as long as to read them.

    Args:
        objects: What should stand there.
        body: Where.
        at: From where on.
        ends: Gets where each of them ends.

    Returns:
        None when something else stands there.
    """
    sign = b"["
    for each in objects:
        sign += b"{"
        for key, value in each.items():
            sign += b"%b:" % msgspec.json.encode(key)
            start = at + len(sign)
            if body[at:start] != sign or not body.startswith(value, start):
                return None
            at = start + len(value)
            sign = b","
        sign = b"}" if each else sign + b"}"
        ends.append(at + len(sign))
        sign += b","
    sign = (sign[:-1] if objects else sign) + b"]"
    stop = at + len(sign)
    return stop if body[at:stop] == sign else None
