"""The OpenAPI document of the data plane, for clients, proxies and testers.

`python -m headgate.node.openapi.document > docs/reference/openapi.json` writes it.

Format: https://spec.openapis.org/oas/v3.1.1
"""

import json
import sys
from typing import Any

import msgspec

from headgate import __version__
from headgate.dialects.batches.registry import wires
from headgate.dialects.registry import Dialect, dialects
from headgate.node.openapi.answers import Told, error_name, error_schema, headers, ref
from headgate.node.openapi.asked import (
    control_paths,
    health_paths,
    hook_paths,
    model_paths,
    told_types,
)
from headgate.node.openapi.batches import batch_paths, file_paths
from headgate.node.openapi.calls import ELSEWHERE, asking, call_paths
from headgate.node.openapi.kept import kept_paths
from headgate.node.openapi.shapes import Shapes

DESCRIPTION = """\
What Headgate's data plane serves. Bodies of calls are told as far as they are read here: whatever
else stands in them goes to the provider, which judges it. Beside that stands what a plain call is.
Replies are the provider's; told is what all of a dialect have.
"""


def document() -> dict[str, Any]:
    """Return the document."""
    spoken, wired = dialects(), wires()
    read = [each.BODY for each in spoken.values()] + [each.BODY for each in wired.values()]
    shapes = Shapes(told_types(), read)
    paths: Told = {**health_paths(), **model_paths(), **control_paths(shapes), **file_paths()}
    paths |= {**hook_paths(shapes), **kept_paths(spoken)}
    for dialect in spoken.values():
        paths |= call_paths(dialect, shapes)
    for wire in wired.values():
        paths |= batch_paths(wire, spoken[wire.SPOKEN], shapes)
    answers = _Answers()
    paths = {
        path: {method: answers.share(each) for method, each in of.items()}
        for path, of in paths.items()
    }
    return {
        "openapi": "3.1.1",
        "info": {"title": "Headgate", "version": __version__, "description": DESCRIPTION},
        "security": [{name: []} for name in _security()],
        "paths": paths,
        "components": {
            "schemas": {**shapes.definitions, **_errors(spoken)},
            "responses": answers.told,
            "headers": headers(),
            "parameters": {each["name"]: each for each in asking()},
            "securitySchemes": _security(),
        },
        "x-headgate-other-codes": sorted(code.code for code in ELSEWHERE),
    }


def _errors(spoken: dict[str, Dialect]) -> Told:
    """Return the schemas of errors: of dialects with a sign, of those without, and of any."""
    each = {error_name(dialect): error_schema(dialect) for dialect in spoken.values()}
    return {**each, "error": {"anyOf": [ref(name) for name in each]}}


class _Answers:
    """The answers of all operations, each told once.

    Most are the same on many paths; told at each they would be most of the document.
    """

    def __init__(self) -> None:
        self.told: Told = {}
        self._names: dict[str, str] = {}

    def share(self, operation: Told) -> Told:
        """Return an operation with references to its answers."""
        tag = operation["tags"][0]
        told = operation["responses"].items()
        return {**operation, "responses": {at: self._ref(f"{tag}.{at}", each) for at, each in told}}

    def _ref(self, base: str, answer: Told) -> Told:
        key = json.dumps(answer)
        if key not in self._names:
            same = sum(name.partition("-")[0] == base for name in self.told)
            self._names[key] = f"{base}-{same + 1}" if same else base
            self.told[self._names[key]] = answer
        return {"$ref": f"#/components/responses/{self._names[key]}"}


def _security() -> Told:
    """Return the ways to say who asks, each with the same key or a delegation of it."""
    by_key = {
        name: {"type": "apiKey", "in": place, "name": name}
        for name, place in (("x-api-key", "header"), ("x-goog-api-key", "header"), ("key", "query"))
    }
    return {"bearer": {"type": "http", "scheme": "bearer"}, **by_key}


def render() -> str:
    """Return the document as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(document(), order="sorted"), indent=2).decode()


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
