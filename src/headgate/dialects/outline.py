"""The outline of a long body: the same without its long texts, which decide nothing.

To decode 120 kB takes 30 us for nothing but skipping a text. Where a prompt is a few long texts,
its lists are decoded into their objects anyway, for the blocks of its prompt; what is left of
those without the texts is decoded in no time.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from headgate.dialects.opened import Members

TEXT_BYTES_MIN: Final = 1_024
"""A shorter text stays."""

OBJECT_BYTES_MIN: Final = 4_096
"""Objects that are shorter, on average, cost more to be written again than to be decoded."""

DEPTH_MAX: Final = 3
"""Messages, their parts, and what the result of a tool consists of."""

_KIND: Final = "type"
_LISTS: Final = frozenset({"content", "parts"})
"""Members of a message, or of a part, whose lists are opened."""

_QUOTE: Final = b'"'[0]
_BRACKET: Final = b"["[0]


def outline(
    members: Members, prompt: Sequence[str], bones: Sequence[bytes] | None = None
) -> bytes | None:
    """Return a body without the long texts of its prompt, each an empty one; its kinds stay.

    Args:
        members: The body's.
        prompt: Those that the prompt is in, the conversation first.
        bones: Those of the conversation's objects, to stand in their place; None where nobody
            knows them.

    Returns:
        None where that would not be much shorter.
    """
    pieces: list[bytes] = []
    for key, value in members.items():
        if bones is not None and key == prompt[0]:
            brief: bytes | None = b"[%b]" % b",".join(bones)
        else:
            brief = _brief(members, value, DEPTH_MAX) if key in prompt else bytes(value)
        if brief is None:
            return None
        pieces.append(b"%b:%b" % (msgspec.json.encode(key), brief))
    return b"{%b}" % b",".join(pieces)


def _brief(members: Members, value: Raw, depth: int) -> bytes | None:
    """Return a value without long texts, None when it is long for other reasons."""
    size = len(value)
    if size < TEXT_BYTES_MIN:
        return bytes(value)
    begins = memoryview(value)[0]
    if begins == _QUOTE:
        return b'""'
    if begins != _BRACKET or not depth:
        return None
    try:
        objects = members.objects(value)
    except msgspec.DecodeError:
        return None
    if len(objects) * OBJECT_BYTES_MIN > size + OBJECT_BYTES_MIN:
        return None
    briefs: list[bytes] = []
    for each in objects:
        brief = _object(members, each, depth - 1)
        if brief is None:
            return None
        briefs.append(brief)
    return b"[%b]" % b",".join(briefs)


def _object(members: Members, value: Mapping[str, Raw], depth: int) -> bytes | None:
    pieces: list[bytes] = []
    for key, inner in value.items():
        brief = (
            _brief(members, inner, depth if key in _LISTS else 0) if key != _KIND else bytes(inner)
        )
        if brief is None:
            return None
        pieces.append(b"%b:%b" % (msgspec.json.encode(key), brief))
    return b"{%b}" % b",".join(pieces)
