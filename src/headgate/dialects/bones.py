"""The bones of what was said: the members that decide, and no text.

What reads a request to find out who may serve it and what it can cost looks at a few members of
each message: at types, and at what has types inside it. Bones are JSON of these alone.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from headgate.dialects.opened import objects_in

KINDS: Final = frozenset({"type", "mimeType", "mime_type"})
"""Members whose texts decide: they name what something is."""

DECISIVE: Final = KINDS | {
    *("audio", "content", "definition", "output", "source", "tool"),
    *("parts", "inlineData", "inline_data", "fileData", "file_data"),
    *("functionResponse", "function_response"),
}
"""What any dialect reads of a message, by name; a test holds it beside what they decode."""

KIND_BYTES_MAX: Final = 64
DEPTH_MAX: Final = 16

_QUOTE: Final = b'"'[0]
_BRACKET: Final = b"["[0]
_BRACE: Final = b"{"[0]
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_VALUES: Final = msgspec.json.Decoder(list[Raw])


def bones_of(
    members: Mapping[str, Raw], item: Mapping[str, Raw], depth: int = DEPTH_MAX
) -> bytes | None:
    """Return the bones of an object.

    Args:
        members: The body's, which remember what was opened.
        item: The object's members.
        depth: How deep it may be nested.

    Returns:
        None when it is nested deeper, or has a type that is a long text.
    """
    pieces: list[bytes] = []
    for key, value in item.items():
        if key in DECISIVE:
            if key in KINDS and len(value) > KIND_BYTES_MAX:
                return None
            bare = bytes(value) if key in KINDS else _bare(members, value, depth)
            if bare is None:
                return None
            pieces.append(b'"%b":%b' % (key.encode(), bare))
    return b"{%b}" % b",".join(pieces)


def _bare(members: Mapping[str, Raw], value: Raw, depth: int) -> bytes | None:
    begins = memoryview(value)[0]
    if begins == _QUOTE:
        return b'""'
    if begins == _BRACE:
        return bones_of(members, _OBJECT.decode(value), depth - 1) if depth else None
    if begins != _BRACKET:
        return bytes(value)
    if not depth:
        return None
    pieces: list[bytes] = []
    try:
        for each in objects_in(members, value):
            bare = bones_of(members, each, depth - 1)
            if bare is None:
                return None
            pieces.append(bare)
    except msgspec.DecodeError:
        # It holds other values as well.
        pieces.clear()
        for one in _VALUES.decode(value):
            bare = _bare(members, one, depth - 1)
            if bare is None:
                return None
            pieces.append(bare)
    return b"[%b]" % b",".join(pieces)
