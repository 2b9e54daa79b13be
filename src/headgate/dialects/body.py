"""Reading a request's body: typed decoding, and every way it can be wrong told as a refusal."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from headgate.dialects.bones import bones_of
from headgate.dialects.conversations import OBJECTS_MAX, Objects, Theirs
from headgate.dialects.long_body import (
    OBJECT_BYTES_MIN,
    REMEMBERED_BYTES_MIN,
    go_on,
    is_utf8,
    objects_of,
    open_around,
)
from headgate.dialects.opened import LARGE_BYTES, LONG_BYTES, Members
from headgate.dialects.outline import outline
from headgate.dialects.splice import duplicate_key, signs_of
from headgate.units.errors import (
    BODY_INVALID,
    BODY_MALFORMED,
    BODY_TOO_DEEP,
    KEY_DUPLICATE,
    Refusal,
)

T = TypeVar("T")

_PLACE: Final = re.compile(r" - at `\$\.?(.*)`$")
_MISSING: Final = re.compile(r"missing required field `(.*)`")
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])

DEPTH_MAX: Final = 500
"""So deep may a body be nested that every supported interpreter reads it, whatever is done with it.

To count the levels of every body would cost more than to read it. So the bound that is kept is that
of the decoder's own stack, which lies above this on all of them.
"""

TOO_DEEP: Final = Refusal(
    BODY_TOO_DEEP, f"The body is nested too deeply: keep it within {DEPTH_MAX} levels."
)

BONES_BYTES_MAX: Final = 128 << 10
"""So much is found out at once of what is new in a conversation; of more, nothing is remembered."""

MEMBERS_MAX: Final = 4_096
"""So many members a body, or an object in it that is read like one, may have: each takes some
microseconds, in which nobody else is served."""

CHECKED_MAX: Final = 1_024
CHECKED_KEYS_MAX: Final = 64

_CHECKED: Final[defaultdict[frozenset[str], dict[tuple[str, ...], int]]] = defaultdict(dict)
"""By what a dialect names: the keys that were looked at before, in their order, and how many
bytes they and the signs around them take. Clients send the same keys with every call."""


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T | Refusal:
    """Decode `body`, or say what is wrong with it and where.

    JSON that is broken or not UTF-8 is `body_malformed`, and `body_too_deep` when it is nested
    beyond what can be read; a field of a wrong type or range is `body_invalid` with the field as
    `param`.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        return invalid(str(error))
    except msgspec.DecodeError as error:
        return Refusal(BODY_MALFORMED, f"The body is not valid JSON: {error}.")
    except UnicodeDecodeError:
        return not_utf8(body)
    except RecursionError:
        return TOO_DEEP


def not_utf8(body: bytes) -> Refusal:
    """Return the refusal for a body with bytes that are no text, with the place of the first.

    A decoder of JSON tells where they are in their text, which nobody could find.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return Refusal(BODY_MALFORMED, f"Byte {error.start} of the body is not UTF-8.")
    return Refusal(BODY_MALFORMED, "The body holds a text that is not UTF-8.")


def invalid(problem: str) -> Refusal:
    """Return the refusal for a decoder's complaint such as "Expected `int` - at `$.n`"."""
    missing = _MISSING.search(problem)
    if missing is not None:
        return Refusal(BODY_INVALID, f"{missing[1]}: Field required.", missing[1])
    place = _PLACE.search(problem)
    param = place[1] if place else None
    what = problem[: place.start()] if place else problem
    return Refusal(BODY_INVALID, f"{param or 'The body'}: {what}.", param or None)


def read(
    decoder: msgspec.json.Decoder[T],
    body: bytes,
    named: frozenset[str],
    prompt: Sequence[str],
    folded: frozenset[str] | None = None,
    theirs: Theirs | None = None,
) -> tuple[T, dict[str, Raw]] | Refusal:
    """Decode a body into what decides, and into its members as `members` returns them.

    Args:
        decoder: Of what decides.
        body: The object.
        named: As for `members`; likewise `folded`.
        prompt: The members that the prompt is in, whose texts decide nothing; the first one is the
            conversation.
        folded: As for `members`.
        theirs: The conversations of who sends it, None to remember nothing of it.
    """
    values: dict[str, Raw] | Refusal | None = None
    if len(body) >= LONG_BYTES:
        values = _long_members(body, prompt[0], named, folded, theirs)
        if isinstance(values, Members):
            if len(body) >= LARGE_BYTES and values.is_new:
                values.unkept = theirs
            bones = None if theirs is None or values.unkept is not None else _bones(values)
            brief = outline(values, prompt, bones)
            if brief is not None:
                outlined = decode(decoder, brief)
                if not isinstance(outlined, Refusal):
                    if theirs is not None and bones and values.opened is not None:
                        values.conversation = theirs.remember(body, values.opened, bones)
                    return outlined, values
    # From the body itself, for a refusal says where in it something is wrong.
    request = decode(decoder, body)
    if isinstance(request, Refusal):
        return request
    if values is None:
        values = members(body, named, folded)
    return values if isinstance(values, Refusal) else (request, values)


def remember(body: bytes, members: Mapping[str, Raw]) -> None:
    """Remember the conversation of a large body that is a new one: reading it left that to do.

    It takes as long as the reading does, so it has a step of its own.
    """
    if isinstance(members, Members) and members.unkept is not None:
        theirs, members.unkept = members.unkept, None
        bones = _bones(members)
        if bones and members.opened is not None:
            members.conversation = theirs.remember(body, members.opened, bones)


def _long_members(
    body: bytes,
    conversation: str,
    named: frozenset[str],
    folded: frozenset[str] | None,
    theirs: Theirs | None,
) -> dict[str, Raw] | Refusal | None:
    """Return what `members` does, with what was found of the conversation from the same pass.

    None for a body that is not UTF-8: the decoder tells where, and sees it only where it decodes.
    """
    opened = None if theirs is None else go_on(body, conversation, theirs)
    objects: Objects | None = None
    if opened is None:
        if not is_utf8(body):
            return None
        objects = objects_of(body, conversation)
        if objects is not None:
            kept = theirs is not None and len(objects) <= OBJECTS_MAX
            least = REMEMBERED_BYTES_MIN if kept else OBJECT_BYTES_MIN
            opened = open_around(body, conversation, objects, least)
    if opened is None:
        found = members(body, named, folded)
        if objects is not None and isinstance(found, Members):
            found.remember(found[conversation], objects)
        return found
    found = _sent_once(body, opened.values, named, folded)
    if isinstance(found, Members):
        found.take(conversation, opened)
    return found


def _bones(values: Members) -> list[bytes] | None:
    """Return the bones of all that was said; None where they are not known."""
    opened = values.opened
    if opened is None:
        return None
    reached = opened.reached
    if opened.known + len(opened.objects) > OBJECTS_MAX:
        return None
    known = [] if reached is None else reached.before.bones[: reached.mark.objects]
    size = 0
    for each in opened.objects:
        bones = bones_of(values, each)
        if bones is None or size > BONES_BYTES_MAX:
            return None
        size += len(bones)
        known.append(bones)
    return known


def members(
    body: bytes, named: frozenset[str], folded: frozenset[str] | None = None
) -> dict[str, Raw] | Refusal:
    """Return the raw values of the top-level members of `body`, each an exact slice of it.

    A key that stands there twice is refused, whichever it is: which of the two values counts
    is the reader's choice, so the value we judged need not be the one the provider takes. For
    the same reason a key that is one of `named` but for its case is refused: some JSON
    libraries match keys without regard to case.

    Args:
        body: The object.
        named: The keys that matter.
        folded: The same without regard to case, for keys that are not all lower case.
    """
    values = decode(_MEMBERS, body)
    return values if isinstance(values, Refusal) else _sent_once(body, values, named, folded)


def _sent_once(
    body: bytes, values: dict[str, Raw], named: frozenset[str], folded: frozenset[str] | None
) -> dict[str, Raw] | Refusal:
    """Return the members of a body in which no key stands twice, and not too many."""
    if len(values) > MEMBERS_MAX:
        message = f"The body has {len(values)} members; it may have {MEMBERS_MAX}."
        return Refusal(BODY_INVALID, message)
    checked = _CHECKED[named]
    keys = tuple(values)
    signs = checked.get(keys)
    if signs is None:
        for key in keys:
            if key not in named and key.casefold() in (folded or named):
                return _duplicate(key)
        signs = signs_of(keys)
        if len(keys) <= CHECKED_KEYS_MAX:
            if len(checked) >= CHECKED_MAX:
                checked.clear()
            checked[keys] = signs
    size = signs
    for value in values.values():
        size += len(value)
    if len(body) == size:
        # Exactly as long as each member needs once: no key stands there twice.
        return values if len(body) < LONG_BYTES else Members(values)
    twice = duplicate_key(body, values)
    if twice is not None:
        return _duplicate(twice)
    return values if len(body) < LONG_BYTES else Members(values)


def _duplicate(key: str) -> Refusal:
    return Refusal(
        KEY_DUPLICATE,
        f"The key {key!r} stands in the body twice, or beside one that differs in case only;"
        " send it once.",
        key,
    )
