"""The paths that spend, or count tokens: one of each dialect, or a few."""

from headgate.dialects.described.registry import described
from headgate.dialects.registry import Dialect
from headgate.gateway.client.request import HEADERS
from headgate.node.openapi.answers import (
    JSON,
    REFUSED,
    REPLIED,
    UNSIGNED,
    Told,
    error_name,
    header,
    ref,
    refusals,
)
from headgate.node.openapi.shapes import Shapes
from headgate.records.priority import PRIORITIES
from headgate.units import errors
from headgate.units.ids import RUN_PATTERN

ELSEWHERE = (errors.PATH_UNKNOWN, errors.METHOD_NOT_ALLOWED, errors.ENDPOINT_UNSUPPORTED)
"""What only paths and methods are refused with that are not in the document."""

NO_CALLS = frozenset(
    {
        *ELSEWHERE,
        errors.APPROVAL_DECIDED,
        errors.APPROVAL_OWN,
        errors.BATCH_RUNNING,
        errors.BATCH_UNKNOWN,
        errors.CALL_UNKNOWN,
        errors.FEEDBACK_LATE,
        errors.FEEDBACK_LIMITED,
        errors.FEEDBACK_UNANSWERED,
        errors.FILES_FULL,
        errors.FILE_UNKNOWN,
        errors.RESPONSE_UNKNOWN,
    }
)
"""What no call is refused with; every other code may be one's."""

CALLS = tuple(code for code in errors.CODES if code not in NO_CALLS)

FORMS: dict[str, Told] = {
    "idempotency-key": {"pattern": "^[!-~]{1,255}$"},
    "x-headgate-deadline": {"format": "date-time"},
    "x-headgate-priority": {"enum": list(PRIORITIES)},
    "x-headgate-run": {"pattern": f"^{RUN_PATTERN}$"},
}
"""What headers have to look like that are refused otherwise, as far as a schema can say it."""

_GENERAL = ("idempotency-key", "x-request-id", "prefer")
PASSED_ON = (
    "The provider's own error, passed on as it came; `x-headgate-code` says what it is taken for."
)


def asking() -> list[Told]:
    """Return the headers that calls may have, those that say who asks excepted."""
    own = [name.decode() for name in HEADERS if name.startswith(b"x-headgate-")]
    return [_parameter(name) for name in sorted((*own, *_GENERAL))]


def _parameter(name: str) -> Told:
    return {"name": name, "in": "header", "schema": {"type": "string", **FORMS.get(name, {})}}


def call_paths(dialect: Dialect, shapes: Shapes) -> Told:
    """Return the paths of a dialect."""
    paths: tuple[str, ...] = getattr(dialect, "PATHS", (dialect.PATH,))
    return {path: {"post": _call(dialect, path, shapes)} for path in paths}


def _call(dialect: Dialect, path: str, shapes: Shapes) -> Told:
    parameters: list[Told] = [
        {"$ref": f"#/components/parameters/{each['name']}"} for each in asking()
    ]
    parameters += [_parameter(name.decode()) for name in sorted(dialect.FORWARDED)]
    if "{model}" in path:
        model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
        parameters.append(model)
    if ":stream" in path:
        form = {"type": "string", "enum": ["sse", "json"]}
        parameters.append({"name": "alt", "in": "query", "schema": form})
    replied = {name: header(name) for name in REPLIED}
    kept = {"description": "The reply, whole or as a stream.", "headers": replied}
    # Replies are the provider's: JSON, events, and from some endpoints sound or plain text.
    kept["content"] = {JSON: {"schema": _reply(dialect, path)}, "text/event-stream": {}, "*/*": {}}
    # What broke before the head was read is told in the shape of unsigned dialects.
    names = sorted({error_name(dialect), UNSIGNED})
    passed_on = {"type": "object", "description": PASSED_ON}
    body: Told = {"anyOf": [*map(ref, names), passed_on]}
    refused = refusals(CALLS, body, [*REPLIED, *REFUSED], passed_on=True)
    location = {"schema": {"type": "string"}}
    ticket: Told = {"description": "A person is asked: poll `location`."}
    ticket["headers"] = {**replied, "location": location}
    ticket["content"] = {JSON: {"schema": {"type": "object"}}}
    return {
        "summary": f"A call in the dialect {dialect.KIND}.",
        "tags": ["calls"],
        "parameters": parameters,
        "requestBody": {"required": True, "content": _body(dialect, shapes)},
        "responses": {
            "200": kept,
            "202": ticket,
            **refused,
            "default": {"description": PASSED_ON, "content": {"*/*": {}}},
        },
    }


def _reply(dialect: Dialect, path: str) -> Told:
    """Return the schema of a whole reply: what all have in common, whoever gave them."""
    plain = described().get(dialect.KIND)
    if plain is None:
        return {}
    return {"type": "array", "items": plain.REPLY} if ":stream" in path else plain.REPLY


def _body(dialect: Dialect, shapes: Shapes) -> Told:
    file: str | None = getattr(dialect, "FILE", None)
    plain = described().get(dialect.KIND)
    if plain is not None:
        schema: Told = {"anyOf": [plain.REQUEST, shapes.read(dialect.BODY)]}
        return {JSON: {"schema": schema, "examples": {"plain": {"value": plain.EXAMPLE}}}}
    if file is None:
        return {JSON: {"schema": shapes.read(dialect.BODY)}}
    binary = {"contentMediaType": "application/octet-stream"}
    schema = {
        "type": "object",
        "properties": {"model": {"type": "string"}, file: binary, f"{file}[]": binary},
        "required": ["model"],
        "anyOf": [{"required": [file]}, {"required": [f"{file}[]"]}],
    }
    return {"multipart/form-data": {"schema": schema}}
