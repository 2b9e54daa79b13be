"""The bones of what was said: the members that decide, and no text.

What reads a request to find out who may serve it and what it can cost looks at a few members of
each message: at types, and at what has types inside it. Bones are JSON of these alone.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from headgate.dialects.conversations import Objects
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

DEPTH_MAX: Final = 6
"""A message, its parts, what a tool returned, its parts, and their source: nobody goes deeper."""

BONES_BYTES_MIN: Final = 16
"""To find those of an object takes time, and to remember its blocks memory, however few it has."""

BONES_BYTES_MAX: Final = 1_024
"""An object that would have more of them has none."""

_QUOTE: Final = b'"'[0]
_BRACKET: Final = b"["[0]
_BRACE: Final = b"{"[0]
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])


def bones_of(
    members: Mapping[str, Raw], item: Mapping[str, Raw], depth: int = DEPTH_MAX
) -> bytes | None:
    """Return the bones of an object.

    Args:
        members: The body's, which remember what was opened.
        item: The object's members.
        depth: How deep it may be nested.

    Returns:
        None when it is nested deeper, has a type that is a long text, a list that is long or holds
        other values than objects, blanks or a key that stands twice in what is nested, or so much
        else that nobody says.
    """
    pieces: list[bytes] = []
    size = 0
    for key, value in item.items():
        if key in DECISIVE:
            if key in KINDS and len(value) > KIND_BYTES_MAX:
                return None
            bare = bytes(value) if key in KINDS else _bare(members, value, depth)
            if bare is None:
                return None
            size += len(key) + len(bare)
            if size > BONES_BYTES_MAX:
                return None
            pieces.append(b'"%b":%b' % (key.encode(), bare))
    # With blanks behind it, it says the same.
    return (b"{%b}" % b",".join(pieces)).ljust(BONES_BYTES_MIN)


def _bare(members: Mapping[str, Raw], value: Raw, depth: int) -> bytes | None:
    begins = memoryview(value)[0]
    if begins == _QUOTE:
        return b'""'
    if begins not in (_BRACE, _BRACKET):
        return bytes(value)
    if not depth:
        return None
    if begins == _BRACE:
        inner = _MEMBERS.decode(value)
        return bones_of(members, inner, depth - 1) if _stands(value, inner) else None
    try:
        parts = objects_in(members, value)
    except msgspec.DecodeError:
        return None
    if not _stands(value, parts):
        return None
    pieces: list[bytes] = []
    size = 0
    for each in parts:
        bare = bones_of(members, each, depth - 1)
        if bare is None or size > BONES_BYTES_MAX:
            return None
        size += len(bare)
        pieces.append(bare)
    return b"[%b]" % b",".join(pieces)


def _stands(value: Raw, found: Objects | dict[str, Raw]) -> bool:
    """Tell whether what was decoded is all that stands there, without whitespace.

    Where a key stands twice, what was decoded has the last value, and a reader looks at the types
    of both.
    """
    return msgspec.json.encode(found) == bytes(value)
