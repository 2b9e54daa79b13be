"""The smallest value that a JSON schema allows, as far as the simulator understands schemas."""

from typing import Any

_DEPTH_MAX = 8
_PROPERTIES_MAX = 50


def example(schema: dict[str, Any], filler: str) -> Any:
    """Return a value for a schema; texts in it are `filler`. Too deep a schema ends in texts."""
    return _Example(schema, filler).of(schema, 0)


class _Example:
    """Values for one schema, whose definitions may be referred to from anywhere in it."""

    def __init__(self, root: dict[str, Any], filler: str) -> None:
        self._root = root
        self._filler = filler

    def of(self, schema: object, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > _DEPTH_MAX:
            return {} if depth == 0 else self._filler
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        choices = schema.get("enum")
        if isinstance(choices, list) and choices:
            return choices[0]
        kind = schema.get("type", "object" if depth == 0 or "properties" in schema else "string")
        if isinstance(kind, list):
            kind = kind[0] if kind else "string"
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return [self.of(schema.get("items"), depth + 1)]
        plain: dict[object, Any] = {"integer": 7, "number": 1.5, "boolean": True, "null": None}
        return plain.get(kind, self._filler)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return what a reference leads to, or the first of several choices."""
        for _ in range(_DEPTH_MAX):
            path = schema.get("$ref")
            several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            following: object = None
            if isinstance(path, str) and path.startswith("#/"):
                following = self._root
                for name in path[2:].split("/"):
                    following = following.get(name) if isinstance(following, dict) else None
            elif isinstance(several, list) and several:
                following = several[0]
            if not isinstance(following, dict):
                break
            schema = following
        return schema

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        required = schema.get("required")
        names = required if isinstance(required, list) else list(properties)
        return {
            name: self.of(properties.get(name, {}), depth + 1)
            for name in names[:_PROPERTIES_MAX]
            if isinstance(name, str)
        }
