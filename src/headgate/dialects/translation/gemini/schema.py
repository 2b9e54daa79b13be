"""Schemas: Google's own kind, JSON Schema, and the part of JSON Schema that Gemini keeps to.

Google's own is a part of OpenAPI's (`google.genai.types.Schema`): types in capitals, `nullable`,
counts that may be strings. What it keeps to of JSON Schema is listed at
https://ai.google.dev/api/generate-content, for `responseJsonSchema`. Numbers keep their digits.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Raw, json

from headgate.dialects.translation.fields import NO_COUNTERPART, UNREADABLE, malformed, unsupported
from headgate.dialects.translation.gemini.names import camel
from headgate.dialects.translation.losses import PLACE_CHARS_MAX, Losses
from headgate.records.conversation import Loss

DEPTH_MAX: Final = 100
"""How many schemas may lie inside each other, where they have to be looked into."""

Schema = dict[str, Any]
_Into = Callable[[Any, str, int], Any]

_DECODER: Final = json.Decoder(float_hook=lambda digits: Raw(digits.encode()))
_MAPS: Final = frozenset({"properties", "$defs"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "prefixItems"})
_SCHEMAS: Final = frozenset({"items", "additionalProperties"})
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_RENAMED: Final = {"defs": "$defs", "ref": "$ref", "example": "examples"}
_SAME: Final = _COUNTS | frozenset(
    {"type", "title", "description", "default", "enum", "format", "pattern", "required"}
    | {"minimum", "maximum", "propertyOrdering", "examples"}
)
_KEPT_TO: Final = frozenset(
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum"}
    | {"items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf"}
    | {"properties", "additionalProperties", "required", "propertyOrdering"}
)
_NOTES: Final = frozenset(
    {"$schema", "$comment", "default", "deprecated", "examples", "readOnly", "writeOnly"}
)
"""Keywords that constrain nothing."""


def json_schema(schema: Raw, at: str, lost: list[Loss]) -> Raw:
    """Return a schema of Google's own kind as JSON Schema; what has no word there is `lost`.

    Raises:
        TranslationError: It is no object, or too deep.
    """
    return Raw(json.encode(_common(_decoded(schema, at), at, lost, 1)))


def kept_to(schema: Raw, at: str, losses: Losses) -> Raw:
    """Return the part of a JSON Schema that Gemini keeps to.

    Raises:
        TranslationError: It is no object, or too deep.
    """
    return Raw(json.encode(_part(_decoded(schema, at), at, losses, 1)))


def _decoded(schema: Raw, at: str) -> Schema:
    try:
        found = _DECODER.decode(schema)
    except RecursionError as error:
        raise _too_deep(at) from error
    except UNREADABLE as error:
        raise malformed(at, "expected a schema.") from error
    if not isinstance(found, dict):
        raise malformed(at, "expected a schema.")
    return found


def _too_deep(at: str) -> Exception:
    return unsupported(at, f"a schema of more than {DEPTH_MAX} levels")


def _below(at: str, name: str) -> str:
    """Return the place of what lies below a place; both are cut, for a schema may be huge."""
    return at if len(at) > PLACE_CHARS_MAX else f"{at}.{name[:PLACE_CHARS_MAX]}"


def _inside(key: str, value: Any, at: str, depth: int, into: _Into) -> Any:
    """Return what lies below a keyword, each schema in it changed by `into`."""
    if depth >= DEPTH_MAX:
        raise _too_deep(at)
    if key in _MAPS and isinstance(value, dict):
        return {name: into(each, _below(at, name), depth + 1) for name, each in value.items()}
    if key in _LISTS and isinstance(value, list):
        return [into(each, f"{at}[{i}]", depth + 1) for i, each in enumerate(value)]
    if key in _SCHEMAS:
        return into(value, at, depth + 1)
    return value


def _common(schema: Any, at: str, lost: list[Loss], depth: int) -> Any:
    """Return one schema of Google's own kind as JSON Schema."""
    if not isinstance(schema, dict):
        return schema

    def into(each: Any, place: str, deeper: int) -> Any:
        return _common(each, place, lost, deeper)

    nullable = False
    said: Schema = {}
    for written, value in schema.items():
        key, place = camel(written), _below(at, written)
        name = _RENAMED.get(key, key)
        if key == "nullable":
            nullable = value is True
        elif name in _MAPS | _LISTS | _SCHEMAS:
            said[name] = _inside(name, value, place, depth, into)
        elif name in _SAME or name.startswith("$"):
            said[name] = _plain(key, value)
        else:
            lost.append(Loss(place, NO_COUNTERPART))
    if said.get("type") == "type_unspecified":
        del said["type"]
    return _or_null(said) if nullable else said


def _plain(key: str, value: Any) -> Any:
    """Return the value of a keyword without schemas in it, as JSON Schema writes it."""
    if key == "type" and isinstance(value, str):
        return value.lower()
    if key in _COUNTS and isinstance(value, str) and value.isdigit():
        return int(value)
    return [value] if key == "example" else value


def _or_null(schema: Schema) -> Schema:
    """Return a schema that null fits as well."""
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"].append({"type": "null"})
    if isinstance(schema.get("enum"), list):
        schema["enum"].append(None)
    return schema


def _part(schema: Any, at: str, losses: Losses, depth: int) -> Any:
    """Return what Gemini keeps to of one schema; a constant is a choice of one."""
    if not isinstance(schema, dict):
        return schema

    def into(each: Any, place: str, deeper: int) -> Any:
        return _part(each, place, losses, deeper)

    refers = "$ref" in schema
    said: Schema = {}
    for key, value in _without_constants(schema):
        place = _below(at, key)
        if key not in _KEPT_TO:
            reason = "is nothing that schemas are kept to by there"
            losses.lose(place, reason, hint=key in _NOTES)
        elif refers and not key.startswith("$"):
            losses.lose(place, "is not read there beside a `$ref`", hint=key == "description")
        else:
            said[key] = _inside(key, value, place, depth, into)
    return said


def _without_constants(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key == "const" and "enum" not in schema:
            yield "enum", [value]
        else:
            yield key, value
