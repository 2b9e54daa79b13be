"""The blocks of a prompt: what a provider's cache compares, piece by piece; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from headgate.dialects.opened import Members, objects_in

HINTS: Final = frozenset({"cache_control", "prompt_cache_breakpoint"})
"""Members that say what to cache, and are no part of what is cached."""

NULL: Final = Raw(b"null")
OWN: Final = b""
"""What stands between the members of a message and those of one of its parts, or its text."""

_BEFORE_TEXT: Final = (OWN, b"text")
"""What stands before the text of a message or of a part."""
_BARE_TEXTS: Final = (b"instructions", b"input")
"""What the block of a member begins with that is a text itself."""
_TEXT: Final = frozenset({"type", "text"})
_TEXT_TYPES: Final = frozenset({b'"text"', b'"input_text"', b'"output_text"'})
_MAY_GO: Final = frozenset(
    {
        *("thinking", "signature", "data", "encrypted_content", "summary", "defer_loading"),
        *("reasoning", "reasoning_content", "reasoning_details"),
        *("thought", "thoughtSignature", "thought_signature"),
    }
)
"""Members of what a provider may leave out of a prompt: what the model thought in turns before the
last, tools that are looked up when they are needed."""

_THOUGHTS: Final = frozenset({b'"reasoning"', b'"reasoning_text"', b'"redacted_thinking"'})
"""Types of what a model thought."""
_ITEMS: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_LIFETIMES_S: Final = {b'"5m"': 300, b'"1h"': 3_600}


class Block(NamedTuple):
    """One piece of a prompt.

    Attributes:
        path: Where it stands in the body, as a JSON path: `messages[4].content[1]`.
        parts: What it says; two blocks with equal parts are the same to a cache.
        lifetime_s: How long what is up to here is to be kept; 0 when nothing is marked here.
        loose: How many bytes of the parts stand in the body but once for several blocks, or may
            be left out by the provider.
        item: The number of the object it is of; 0 outside of lists.
    """

    path: str
    parts: tuple[bytes, ...]
    lifetime_s: int = 0
    loose: int = 0
    item: int = 0


class Blocks(NamedTuple):
    """A prompt in the order in which it is cached.

    Attributes:
        head: What calls of one kind have in common: tools, then instructions.
        settings: Fields without tokens of their own; when one changes, what follows is read anew.
        turns: The conversation; read as it is taken, once, for it may be long.
        identity: What the client calls the session or its user, None when it does not say.
    """

    head: tuple[Block, ...]
    settings: tuple[Block, ...]
    turns: Iterable[Block]
    identity: str | None = None


def items(members: Mapping[str, Raw], name: str, inner: str, first: int = 0) -> Iterator[Block]:
    """Yield the blocks of a list of objects, of one whose `inner` is a list a block for each.

    Args:
        members: The body's.
        name: The list's; it may be absent or null.
        inner: The member that may be a text or a list of parts.
        first: How many objects to leave out, the first ones.

    Raises:
        msgspec.DecodeError: It is no list of objects.
    """
    value = members.get(name)
    if value is None or is_null(value):
        return
    if isinstance(members, Members):
        objects = members.objects_from(name, first)
    else:
        objects = objects_in(members, value)[first:]
    for number, item in enumerate(objects, first):
        path = f"{name}[{number}]"
        content = item.get(inner)
        rest, lifetime_s = _read(item, inner)
        beside = _weight(rest)
        thought = _is_thought(item)
        loose = beside if thought or not _MAY_GO.isdisjoint(item) else 0
        if content is None:
            yield Block(path, rest, lifetime_s, loose, number)
            continue
        text = bytes(content)
        parts = objects_in(members, content) if text.startswith(b"[") else []
        if not parts:
            loose += len(text) if thought else 0
            yield Block(f"{path}.{inner}", (*rest, OWN, text), lifetime_s, loose, number)
        for at, part in enumerate(parts):
            said, lifetime_s = _read(part, "")
            goes = thought or _is_thought(part) or not _MAY_GO.isdisjoint(part)
            more = _weight(said) if goes else 0
            where, parts_of_it = f"{path}.{inner}[{at}]", (*rest, OWN, *said)
            yield Block(where, parts_of_it, lifetime_s, loose + more, number)
            # The message's own members stand there once.
            loose = beside


def texts(value: Raw | None, name: str, sign: bytes) -> Iterator[Block]:
    """Yield the blocks of instructions: a text, or a list of objects.

    Args:
        value: The instructions; None or null for none.
        name: Where they stand.
        sign: What tells them from another member that says the same.

    Raises:
        msgspec.DecodeError: They are neither.
    """
    text = b"null" if value is None else bytes(value)
    if text == b"null":
        return
    if not text.startswith(b"["):
        yield Block(name, (sign, text), 0, len(sign))
        return
    for number, part in enumerate(_ITEMS.decode(text)):
        path = f"{name}[{number}].text" if "text" in part else f"{name}[{number}]"
        said, lifetime_s = _read(part, "")
        yield Block(path, (sign, *said), lifetime_s, len(sign))


def setting(members: Mapping[str, Raw], name: str) -> Block:
    """Return a field that is there or not; both are compared."""
    parts = (name.encode(), bytes(members.get(name, NULL)))
    return Block(name, parts, 0, 0 if name in members else _weight(parts))


def ends_with_text(block: Block) -> bool:
    """Tell whether the last part of a block is a text, which a model reads from its beginning on.

    Nothing else is sure to be read in the order in which it is written.
    """
    parts = block.parts
    if len(parts) < 2 or not parts[-1].startswith(b'"'):
        return False
    return parts[-2] in _BEFORE_TEXT or (len(parts) == 2 and parts[0] in _BARE_TEXTS)


def is_null(value: Raw) -> bool:
    """Tell whether a member is as good as absent."""
    return len(value) == len(NULL) and bytes(value) == b"null"


def members_of(value: Raw) -> dict[str, Raw]:
    """Return the members of an object; none of anything else."""
    return _OBJECT.decode(value) if bytes(value).startswith(b"{") else {}


def text_of(value: Raw | None) -> str | None:
    """Return a member that is a text, None for any other."""
    if value is None or not bytes(value).startswith(b'"'):
        return None
    return msgspec.json.decode(value, type=str)


def _is_thought(part: Mapping[str, Raw]) -> bool:
    """Tell whether a message, or a part of one, is what a model thought."""
    kind = part.get("type")
    return kind is not None and bytes(kind) in _THOUGHTS


def _weight(parts: tuple[bytes, ...]) -> int:
    return sum(map(len, parts))


def _read(part: dict[str, Raw], inner: str) -> tuple[tuple[bytes, ...], int]:
    """Return what an object says beside `inner`, and how long what is up to it is to be kept."""
    lifetime_s = 0
    control = part.get("cache_control")
    if control is not None and bytes(control).startswith(b"{"):
        ttl = _OBJECT.decode(control).get("ttl", NULL)
        lifetime_s = _LIFETIMES_S.get(bytes(ttl), 300)
    said: list[bytes] = []
    names: list[str] = []
    for key, value in part.items():
        if key != inner and key not in HINTS:
            names.append(key)
            said += (key.encode(), bytes(value))
    if len(names) == len(_TEXT) and _TEXT.issuperset(names) and bytes(part["type"]) in _TEXT_TYPES:
        # A text is the same to a cache, whether it stands alone or as a list of one.
        return (bytes(part["text"]),), lifetime_s
    return tuple(said), lifetime_s
