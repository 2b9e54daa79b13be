"""Whether a JSON value is what a JSON Schema says, as far as structured outputs have schemas; pure.

Known are `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`,
`prefixItems`, `anyOf`, `oneOf`, `allOf`, `not`, `$ref` within the schema, and the limits of
numbers, lengths and counts (JSON Schema 2020-12, "validation" 6.1 to 6.5, "core" 10). Others
are passed over: `pattern` among them, for an expression of a client's may take forever, and
`format`, which is a remark by default. The work is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CHECKS_MAX = 20_000
DEPTH_MAX = 64

Schema = Mapping[str, Any]


class SchemaTooDeepError(Exception):
    """A schema that takes too long to check, or refers to itself without end."""


def conforms(value: object, schema: object) -> bool:
    """Tell whether a value is what a schema says.

    Raises:
        SchemaTooDeepError: It would take too long.
    """
    return _Check(schema).holds(value, schema, 0)


class _Check:
    """One check; it counts what it does."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._left = CHECKS_MAX

    def holds(self, value: object, schema: object, depth: int) -> bool:
        """Tell whether a part of the value is what a part of the schema says."""
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise SchemaTooDeepError
        if not isinstance(schema, Mapping):
            return schema is not False
        if "$ref" in schema and not self.holds(value, self._find(schema["$ref"]), depth + 1):
            return False
        return (
            _is_named(value, schema)
            and _is_within(value, schema)
            and self._of_others(value, schema, depth)
            and self._of_object(value, schema, depth)
            and self._of_array(value, schema, depth)
        )

    def _find(self, ref: object) -> object:
        """Return what a reference leads to; anything is allowed where it leads nowhere here."""
        if not isinstance(ref, str) or not ref.startswith("#"):
            return True
        found = self._root
        for name in ref[1:].split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                return True
            found = found[key]
        return found

    def _of_others(self, value: object, schema: Schema, depth: int) -> bool:
        def holds(each: object) -> bool:
            return self.holds(value, each, depth + 1)

        if "allOf" in schema and not all(map(holds, _list(schema["allOf"]))):
            return False
        if "anyOf" in schema and not any(map(holds, _list(schema["anyOf"]))):
            return False
        if "oneOf" in schema and sum(map(holds, _list(schema["oneOf"]))) != 1:
            return False
        return not ("not" in schema and holds(schema["not"]))

    def _of_object(self, value: object, schema: Schema, depth: int) -> bool:
        if not isinstance(value, dict):
            return True
        if any(name not in value for name in _list(schema.get("required"))):
            return False
        known = schema.get("properties")
        properties: Schema = known if isinstance(known, Mapping) else {}
        other = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        return all(
            self.holds(each, properties.get(name, other), depth + 1) for name, each in value.items()
        )

    def _of_array(self, value: object, schema: Schema, depth: int) -> bool:
        if not isinstance(value, list):
            return True
        first = _list(schema.get("prefixItems"))
        rest = schema.get("items", True)
        return all(
            self.holds(each, first[number] if number < len(first) else rest, depth + 1)
            for number, each in enumerate(value)
        )


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and value == int(value),  # type: ignore[call-overload]
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_named(value: object, schema: Schema) -> bool:
    """Tell whether a value is of the types and among the values that are named."""
    types = schema.get("type")
    if types is not None:
        names = [types] if isinstance(types, str) else _list(types)
        if not any(name not in _TYPES or _TYPES[name](value) for name in names):
            return False
    if "enum" in schema and not any(_same(value, each) for each in _list(schema["enum"])):
        return False
    return "const" not in schema or _same(value, schema["const"])


def _same(one: object, other: object) -> bool:
    """Tell whether two values are equal, and true is no number."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is_within(value: object, schema: Schema) -> bool:
    """Tell whether a value is within the limits of its type."""
    size = len(value) if isinstance(value, str | list | dict) else None
    names = ("minLength", "maxLength")
    if isinstance(value, list):
        names = ("minItems", "maxItems")
    elif isinstance(value, dict):
        names = ("minProperties", "maxProperties")
    if size is not None:
        return _at_least(size, schema.get(names[0])) and _at_most(size, schema.get(names[1]))
    if not _is_number(value):
        return True
    low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return (
        _at_least(value, schema.get("minimum"))
        and _at_most(value, schema.get("maximum"))
        and not (_is_number(low) and _at_most(value, low))
        and not (_is_number(high) and _at_least(value, high))
    )


def _at_least(value: Any, limit: Any) -> bool:
    return not _is_number(limit) or value >= limit


def _at_most(value: Any, limit: Any) -> bool:
    return not _is_number(limit) or value <= limit


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
