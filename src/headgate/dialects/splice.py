"""Changing single values of a JSON object in place; every other byte stays as it was."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from headgate.dialects.opened import LONG_BYTES
from headgate.units.errors import HeadgateError

_KEY: Final = re.compile(
    rb'[ \t\n\r]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL
)
_END: Final = re.compile(rb"[ \t\n\r]*([,}])")
_BLANK: Final = re.compile(rb"[ \t\n\r]*")
_ITEM_END: Final = re.compile(rb"[ \t\n\r]*[,\]]")
_TEXT: Final = msgspec.json.Decoder(str)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])


class SpliceError(HeadgateError):
    """A body that was changed does not say what it was made to say: a bug, found in time."""


def duplicate_key(body: bytes, values: Mapping[str, Raw]) -> str | None:
    """Return a key that stands twice at the top level of the object `body`, None when none does.

    Args:
        body: A valid JSON object.
        values: Its members as decoded: in order of first appearance, of a key that stands there
            twice the last value, each value the exact slice of the body.
    """
    if _is_compact(body, values):
        return None
    starts = _walk(body, values)
    return starts if isinstance(starts, str) else None


def _is_compact(body: bytes, values: Mapping[str, Raw]) -> bool:
    """Tell whether `body` is exactly as long as its members need, each written once.

    Whitespace between the members, an escape in a key, a key outside ASCII and a key that
    stands there twice all make the body longer than this sum, never shorter.
    """
    return len(body) == compact_bytes(values)


def compact_bytes(values: Mapping[str, Raw]) -> int:
    """Return how long an object without whitespace is, each member written once."""
    return signs_of(values) + sum(map(len, values.values()))


def signs_of(keys: Collection[str]) -> int:
    """Return how many bytes an object without whitespace has beside its values."""
    return 4 * len(keys) + 1 + sum(map(len, keys))


def count_off(values: Mapping[str, Raw]) -> dict[str, int]:
    """Return the offsets in a compact body: quotes, colon and comma are one byte each."""
    starts: dict[str, int] = {}
    end = 0
    for key, value in values.items():
        start = end + len(key) + 4
        starts[key] = start
        end = start + len(value)
    return starts


def _walk(body: bytes, values: Mapping[str, Raw]) -> dict[str, int] | str:
    """Walk the top level, checking each key and value against what was decoded.

    It is exact: a JSON value is never the beginning of another one (and a number that is, is
    not followed by a comma or brace), so the walk keeps to the top level until the first key
    or value that is not the expected one, and only a key that stands there twice makes one.
    """
    starts: dict[str, int] = {}
    at = body.index(b"{") + 1
    for expected, value in values.items():
        key = _key_at(body, at)
        start = key[1]
        if key[0] != expected:
            return key[0]
        end = start + len(value)
        closing = _END.match(body, end)
        if not body.startswith(bytes(value), start) or closing is None:
            return expected
        starts[expected] = start
        at = closing.end()
    return starts if not values or body[at - 1 : at] == b"}" else _key_at(body, at)[0]


def _key_at(body: bytes, at: int) -> tuple[str, int]:
    """Return the key that starts at `at` and the offset of its value."""
    found = _KEY.match(body, at)
    assert found is not None, "a member of a valid JSON object starts with its key"
    return _TEXT.decode(found[1]), found.end()


def splice(
    body: bytes, values: Mapping[str, Raw], changed: Mapping[str, bytes], added: Mapping[str, bytes]
) -> bytes:
    """Return `body` with the values of `changed` replaced and the members of `added` put first.

    Args:
        body: A valid JSON object without duplicate keys.
        values: Its members, as for `duplicate_key`.
        changed: New values, as JSON, of members that are there.
        added: Values, as JSON, of members that are not there; their keys need no escapes.

    Raises:
        SpliceError: A key stands in the body twice.
    """
    pieces: list[bytes] = []
    at = 0
    if added:
        at = body.index(b"{") + 1
        fresh = b",".join(b'"%b":%b' % (key.encode(), text) for key, text in added.items())
        pieces += (body[:at], fresh, b"," if values else b"")
    if not changed:
        return b"".join((*pieces, body[at:]))
    if _is_compact(body, values):
        starts = count_off(values)
        if not all(_stands(body, key, values[key], starts[key]) for key in changed):
            raise SpliceError("a member is not where it must be")
    else:
        walked = _walk(body, values)
        if isinstance(walked, str):
            raise SpliceError(f"the key {walked!r} stands in the body twice")
        starts = walked
    for key in sorted(changed, key=starts.__getitem__):
        start = starts[key]
        pieces += (body[at:start], changed[key])
        at = start + len(values[key])
    pieces.append(body[at:])
    return b"".join(pieces)


def _stands(body: bytes, key: str, value: Raw, start: int) -> bool:
    """Tell whether a member stands in a compact body where it was counted to."""
    behind = start - len(key) - 3
    return body.startswith(b'"%b":' % key.encode(), behind) and body.startswith(bytes(value), start)


def said_by(
    new: bytes,
    values: Mapping[str, Raw],
    fields: Collection[str],
    changed: Mapping[str, bytes],
    added: Mapping[str, bytes],
    dropped: Collection[str] = (),
) -> bytes:
    """Return what to decode to see what a changed body says.

    That is the body itself. Of a long one it is the members in question alone: to read all of it
    again would cost as much as all else that is done with it, and each value was replaced where it
    was found to stand.

    Args:
        new: The body after the change.
        values: The members before it.
        fields: The members in question.
        changed: What was changed, as for `splice`.
        added: What was added, likewise.
        dropped: What was left out, as for `rebuild`.
    """
    if len(new) < LONG_BYTES:
        return new
    kept = {field: values[field] for field in fields if field in values}
    return rebuild(kept, changed, added, dropped)


def splice_items(body: bytes, items: Sequence[Raw], changed: Mapping[int, bytes]) -> bytes:
    """Return the array `body` with some of its items replaced; every other byte stays.

    The walk is exact for the same reason as that of an object: it meets each item in turn.

    Args:
        body: A valid JSON array.
        items: Its items as decoded, each the exact slice of the body.
        changed: New items, as JSON, by their number.

    Raises:
        SpliceError: The items are not those of the body.
    """
    pieces: list[bytes] = []
    kept = 0
    at = body.index(b"[") + 1
    for number, item in enumerate(items):
        text = bytes(item)
        found = _BLANK.match(body, at)
        assert found is not None, "it matches nothing as well"
        start = found.end()
        end = start + len(text)
        closing = _ITEM_END.match(body, end)
        if closing is None or not body.startswith(text, start):
            raise SpliceError(f"item {number} is not where it must be")
        if number in changed:
            pieces += (body[kept:start], changed[number])
            kept = end
        at = closing.end()
    pieces.append(body[kept:])
    return b"".join(pieces)


def splice_model(body: bytes, values: Mapping[str, Raw], old: str, new: str) -> bytes:
    """Return `body` with its `model` changed from `old` to `new`; the same object if they agree.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    if old == new:
        return body
    changed = splice(body, values, {"model": msgspec.json.encode(new)}, {})
    try:
        got = _TEXT.decode(_MEMBERS.decode(changed)["model"])
    except (msgspec.DecodeError, KeyError) as error:
        raise SpliceError(f"the body is broken after the change: {error}") from error
    if got != new:
        raise SpliceError("the body does not say what it was made to say")
    return changed


def rebuild(
    values: Mapping[str, Raw],
    changed: Mapping[str, bytes],
    added: Mapping[str, bytes],
    dropped: Collection[str],
) -> bytes:
    """Return an object with the members of `values`, each value as it stood in the body.

    Only blanks between the members, and escapes in their keys, are not kept.

    Args:
        values: The members, as for `duplicate_key`.
        changed: New values, as JSON, of members that are there.
        added: Values, as JSON, of members that are not there; they come first.
        dropped: Members to leave out, also of those that would be added.
    """
    # A `Raw` is no bytes at run time, whatever its type says.
    kept = {key: changed[key] if key in changed else bytes(value) for key, value in values.items()}
    members = {**added, **kept}
    return b"{%b}" % b",".join(
        b"%b:%b" % (msgspec.json.encode(key), value)
        for key, value in members.items()
        if key not in dropped
    )
