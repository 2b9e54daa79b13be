"""The names of the tools that a body offers, for callers who may not offer all; pure.

A list of what is allowed is only as good as what is found, so this errs to one side: whatever
might offer a tool is named, and what cannot be named safely has a name that nobody allows.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

UNREADABLE = "(unreadable)"
NAMED_TYPES = (None, "function", "custom")
"""Types of tools that go by their names; every other goes by its type."""

GROUP = "namespace"

_DECLARATIONS = ("functionDeclarations", "function_declarations")
_OFFERS = frozenset({"tools", "functions"})
_SCHEMAS = frozenset({"parameters", "input_schema", "arguments", "args"})
"""Members whose content is the tool's own, not the dialect's."""

_EMPTY: tuple[object, ...] = (None, False, [], "")
"""What offers nothing. An object offers, though nothing is in it: `"web_search_options": {}`."""


class _TwiceError(ValueError):
    """An object has a key twice: which of the values counts is the reader's choice."""


def offered(body: bytes, beside: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of all tools that a body offers, wherever in it that may be.

    Args:
        body: What the client sent, which its dialect has read as a request.
        beside: Top-level members that bring tools along by themselves; named as they are.
    """
    try:
        whole = json.loads(body, object_pairs_hook=_once)
        members = whole if isinstance(whole, dict) else {}
        named = [name for name in beside if members.get(name) not in _EMPTY]
        return (*named, *_offers(whole))
    except (ValueError, RecursionError):
        return (UNREADABLE,)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _offers(value: object) -> Iterator[str]:
    """Walk through a value and yield what is offered in it."""
    if isinstance(value, list):
        for each in value:
            yield from _offers(each)
    elif isinstance(value, dict):
        used = value.get("type") == "tool_use"
        for key, inner in value.items():
            if key in _OFFERS and isinstance(inner, list):
                for each in inner:
                    yield from _names(each)
            elif key == "tool" and isinstance(inner, dict) and "definition" in inner:
                yield from _names(inner["definition"])
            elif key not in _SCHEMAS and not (used and key == "input"):
                yield from _offers(inner)


def _names(tool: object) -> Iterator[str]:
    """Yield the names of one tool, or of those in a group of them."""
    if not isinstance(tool, dict):
        yield UNREADABLE
        return
    inner = tool.get("tools")
    for each in inner if isinstance(inner, list) else ():
        yield from _names(each)
    kind = tool.get("type")
    if kind in NAMED_TYPES:
        yield from _own_names(tool)
    elif kind != GROUP:
        yield str(kind)


def _own_names(tool: dict[str, Any]) -> Iterator[str]:
    """Yield every name that a function, or a group of declarations, goes by."""
    found = [tool.get("name"), *(_name_in(tool.get(each)) for each in ("function", "custom"))]
    names = [str(name) for name in found if name is not None]
    if not names and tool.get("type") is None:
        for key, inner in tool.items():
            if key not in _DECLARATIONS or not isinstance(inner, list):
                names.append(key)
            else:
                names += [str(_name_in(each)) for each in inner]
    yield from names or (UNREADABLE,)


def _name_in(value: object) -> object:
    return value.get("name", UNREADABLE) if isinstance(value, dict) else None
