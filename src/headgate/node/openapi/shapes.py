"""Schemas of bodies, from the types that they are read into or made from."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from headgate.node.openapi.answers import Told


class Shapes:
    """The schemas of all types that the document names.

    Args:
        told: Types whose values are sent or read whole.
        read: Structs of which bodies are read in part: the rest of such a body is open.
    """

    def __init__(self, told: Iterable[Any], read: Iterable[type[Struct]]) -> None:
        fields = {each: msgspec.structs.fields(each) for each in dict.fromkeys(read)}
        types = [*told, *(field.type for of in fields.values() for field in of)]
        schemas, self.definitions = msgspec.json.schema_components(
            types, ref_template="#/components/schemas/{name}"
        )
        self._found = {repr(each): schema for each, schema in zip(types, schemas, strict=True)}
        self._read = {
            struct: {
                "type": "object",
                "properties": {field.encode_name: self.of(field.type) for field in of},
                "required": sorted(field.encode_name for field in of if field.required),
            }
            for struct, of in fields.items()
        }

    def of(self, told: Any) -> Told:
        """Return the schema of a type that is told whole."""
        schema: Told = self._found[repr(told)]
        return schema

    def read(self, struct: type[Struct]) -> Told:
        """Return the schema of a body that is read in part."""
        return self._read[struct]
