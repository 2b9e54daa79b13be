"""Setting cache breakpoints in a body of Anthropic's Messages that has none.

At most four: behind the tools, behind the instructions, and behind the last two turns of the
user. The last of these is written, the one before it was written by the call before and is read
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from headgate.dialects.prompts.block import NULL
from headgate.dialects.prompts.registry import Marked, Wanted
from headgate.dialects.splice import SpliceError, splice, splice_items

TURNS_MARKED = 2
_MARK = re.compile(rb'(?<!\\)"cache_control"[ \t\n\r]*:')
"""A key: within a text its quotes would be escaped."""
_CONTROL = b'{"type":"ephemeral"}'
_MARKABLE = frozenset({"text", "image", "document", "tool_use", "tool_result"})
"""Blocks that may carry a mark; thoughts may not, and an empty text may not."""

_ITEMS = msgspec.json.Decoder(list[Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])

_Place = tuple[str, bytes]
"""A path below the member, and the member with a mark there."""


def mark(members: Mapping[str, Raw], wanted: Wanted) -> Marked:
    """Return the members with marks; nothing when one is there already.

    Raises:
        SpliceError: A member does not say what it said before, but for the marks.
        msgspec.DecodeError: A member is not what it must be; the provider will say so.
    """
    changed: dict[str, bytes] = {}
    paths: list[str] = []
    if "cache_control" in members or any(_is_marked(value) for value in members.values()):
        return Marked({}, ())
    size = 0
    head: tuple[tuple[str, Callable[[bytes], _Place | None]], ...]
    head = (("tools", _in_tools), ("system", _in_content))
    for name, place in head:
        value = bytes(members.get(name, NULL))
        size += len(value)
        found = place(value) if wanted.head and size >= wanted.bytes_min else None
        if found is not None:
            paths.append(name + found[0])
            changed[name] = found[1]
    messages = bytes(members.get("messages", NULL))
    if wanted.turns and size + len(messages) >= wanted.bytes_min:
        where, fresh = _in_turns(messages)
        if where:
            paths += where
            changed["messages"] = fresh
    return Marked(changed, tuple(paths), "messages" in changed)


def _is_marked(value: Raw) -> bool:
    """Tell whether a member holds a mark, however deep; a text that speaks of marks is none."""
    return _MARK.search(bytes(value)) is not None


def _in_tools(tools: bytes) -> _Place | None:
    if not tools.startswith(b"["):
        return None
    items = _ITEMS.decode(tools)
    for number in range(len(items) - 1, -1, -1):
        # A tool that is found by a search has no place in the prefix.
        if b'"defer_loading"' not in bytes(items[number]):
            fresh = {number: _marked(bytes(items[number]))}
            return f"[{number}]", splice_items(tools, items, fresh)
    return None


def _in_content(content: bytes) -> _Place | None:
    """Mark the last block of a content that may be marked; a text becomes a block."""
    if content.startswith(b'"'):
        if content == b'""':
            return None
        fresh = b'[{"type":"text","text":%b,"cache_control":%b}]' % (content, _CONTROL)
        _verify([{"type": "text", "text": msgspec.json.decode(content)}], fresh)
        return "", fresh
    if not content.startswith(b"["):
        return None
    items = _ITEMS.decode(content)
    for number in range(len(items) - 1, -1, -1):
        if _is_markable(bytes(items[number])):
            fresh_item = _marked(bytes(items[number]))
            return f"[{number}]", splice_items(content, items, {number: fresh_item})
    return None


def _in_turns(messages: bytes) -> tuple[list[str], bytes]:
    """Mark the last turns of the user, the earlier one first."""
    if not messages.startswith(b"["):
        return [], messages
    items = _ITEMS.decode(messages)
    changed: dict[int, bytes] = {}
    paths: list[str] = []
    for number in range(len(items) - 1, -1, -1):
        message = _OBJECT.decode(items[number])
        if bytes(message.get("role", NULL)) != b'"user"':
            continue
        found = _in_content(bytes(message.get("content", NULL)))
        if found is not None:
            paths.insert(0, f"messages[{number}].content{found[0]}")
            changed[number] = splice(bytes(items[number]), message, {"content": found[1]}, {})
        if len(changed) == TURNS_MARKED:
            break
    return paths, splice_items(messages, items, changed)


def _is_markable(block: bytes) -> bool:
    said = msgspec.json.decode(block)
    if not isinstance(said, dict) or said.get("type") not in _MARKABLE:
        return False
    return said["type"] != "text" or bool(said.get("text"))


def _marked(item: bytes) -> bytes:
    """Return an object with a mark, which is verified to be all that is new."""
    fresh = splice(item, _OBJECT.decode(item), {}, {"cache_control": _CONTROL})
    _verify(msgspec.json.decode(item), fresh)
    return fresh


def _verify(before: Any, after: bytes) -> None:
    """Decode what was marked and compare it with what it was."""
    said = msgspec.json.decode(after)
    for block in said if isinstance(said, list) else [said]:
        block.pop("cache_control", None)
    if said != before:
        raise SpliceError("a marked block does not say what it said before")
