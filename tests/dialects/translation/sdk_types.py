"""Checks JSON against the official SDKs' own types: requests, replies and events alike."""

import collections.abc
import functools
import json
import os
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import pydantic
import typing_extensions
from google.genai import types as genai

Problems = Iterator[str]


class GeminiRequest(typing.TypedDict, total=False):
    """What the `google-genai` SDK sends: it has no type for the body as a whole."""

    contents: typing_extensions.Required[list[genai.Content]]
    systemInstruction: genai.Content
    tools: list[genai.Tool]
    toolConfig: genai.ToolConfig
    safetySettings: list[genai.SafetySetting]
    generationConfig: genai.GenerationConfig


def check(kind: Any, value: Any, extra: frozenset[str] = frozenset()) -> None:
    """Assert that `value` has exactly the shape of `kind`, but for `extra` keys at its top."""
    if extra and isinstance(value, dict):
        value = {name: item for name, item in value.items() if name not in extra}
    found = list(problems(kind, value, "$"))
    assert not found, "\n".join(found)


def problems(kind: Any, value: Any, path: str) -> Problems:
    """Yield where `value` has unknown keys, lacks required ones, or has the wrong type."""
    origin = get_origin(kind)
    if origin in (Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        yield from problems(get_args(kind)[0], value, path)
    elif origin in (Union, types.UnionType):
        kinds = [each for each in get_args(kind) if _may_be(each, value)] or get_args(kind)
        attempts = [list(problems(each, value, path)) for each in kinds]
        if all(attempts):
            yield from min(attempts, key=lambda found: (len(found), -max(map(len, found))))
    elif origin is Literal:
        if value not in get_args(kind):
            yield f"{path}: {value!r} is none of {get_args(kind)}"
    elif _is_sequence(origin):
        if not isinstance(value, list):
            yield f"{path}: {value!r} is not a list"
            return
        for index, item in enumerate(value):
            yield from problems(get_args(kind)[0], item, f"{path}[{index}]")
    elif origin is dict or kind is dict:
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is not an object"
    elif typing_extensions.is_typeddict(kind):
        hints = _hints(kind)
        yield from _members(kind, hints, kind.__required_keys__, value, path)
    elif isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        required = {name for name, field in fields.items() if field.is_required()}
        hints = {name: field.annotation for name, field in fields.items()}
        yield from _members(kind, hints, required, value, path)
    elif kind not in (Any, object) and not isinstance(kind, TypeVar):
        yield from _plain(kind, value, path)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing_extensions.get_type_hints(kind, include_extras=True)


@functools.cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


@functools.cache
def _types(kind: Any) -> tuple[Any, ...]:
    """Return what the `type` of a kind may be; nothing when it has none."""
    if get_origin(kind) is Annotated:
        return _types(get_args(kind)[0])
    hint: Any = None
    if typing_extensions.is_typeddict(kind):
        hint = _hints(kind).get("type")
    elif isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        field = kind.model_fields.get("type")
        hint = None if field is None else field.annotation
    while get_origin(hint) in (typing_extensions.Required, Annotated):
        hint = get_args(hint)[0]
    return get_args(hint) if get_origin(hint) is Literal else ()


def _may_be(kind: Any, value: Any) -> bool:
    """Tell whether the `type` of an object lets it be of a kind; it spares most of a union."""
    if not isinstance(value, dict) or "type" not in value:
        return True
    types = _types(kind)
    return not types or value["type"] in types


def _is_sequence(origin: Any) -> bool:
    if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        return True
    return getattr(origin, "__name__", "") == "SequenceNotStr"


def _members(kind: Any, hints: Any, required: Any, value: Any, path: str) -> Problems:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    for name in value.keys() - hints.keys():
        yield f"{path}.{name}: unknown to {kind.__name__}"
    for name, hint in hints.items():
        if name in value:
            yield from problems(hint, value[name], f"{path}.{name}")
        elif name in required:
            yield f"{path}.{name}: missing in {kind.__name__}"


def _plain(kind: Any, value: Any, path: str) -> Problems:
    if get_origin(kind) is typing.IO or kind is os.PathLike or get_origin(kind) is os.PathLike:
        yield f"{path}: {value!r} is not a file"
        return
    try:
        # As JSON, in which bytes and members of enumerations are strings.
        _adapter(kind).validate_json(json.dumps(value), strict=kind is not float)
    except pydantic.ValidationError:
        yield f"{path}: {value!r} is not {kind}"
