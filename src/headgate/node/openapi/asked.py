"""The paths that spend nothing: health, models, and what the steward answers."""

from typing import Any

from headgate.gateway.control import PREFIX
from headgate.gateway.endpoints import MODELS
from headgate.gateway.hooks import PREFIX as HOOKS
from headgate.node.control.outcome_hooks import HookTold
from headgate.node.control.registry import Served, served
from headgate.node.openapi.answers import EDGE, JSON, KEYED, Told, ref, refusals
from headgate.node.openapi.shapes import Shapes
from headgate.units import errors

CONTROL = (
    *KEYED,
    errors.LEDGER_UNAVAILABLE,
    errors.BODY_MALFORMED,
    errors.BODY_TOO_DEEP,
    errors.BODY_INVALID,
)
"""What any request that the steward answers can be refused with."""

_HEALTHY: Told = {
    "type": "object",
    "properties": {"status": {"type": "string"}},
    "required": ["status"],
}
_READY: Told = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ready", "not ready"]},
        "deployments": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["status", "deployments"],
}


def told_types() -> list[Any]:
    """Return the types of all that the steward reads and answers."""
    every = [each for of in served().values() for each in of]
    types = [told for each in every for told in (each.body, each.answer)] + [HookTold]
    return [told for told in types if told is not None]


def health_paths() -> Told:
    """Return the paths that say how the process is, to anybody."""
    refused = refusals(EDGE, ref("error"))
    well = _both("Tell that the process serves.", _HEALTHY, refused)
    ready = _both("Tell whether calls can be paid for.", _READY, refused)
    for operation in ready.values():
        at_limits = operation["responses"]["503"]
        not_ready = {"anyOf": [_READY, ref("error")]}
        operation["responses"]["503"] = {
            "description": "Not ready. " + at_limits["description"],
            "headers": at_limits["headers"],
            "content": {JSON: {"schema": not_ready}},
        }
    return {"/": well, "/healthz": well, "/readyz": ready}


def _both(summary: str, schema: Told, refused: Told) -> Told:
    told = {"summary": summary, "tags": ["health"], "security": []}
    content = {JSON: {"schema": schema}}
    good = {"description": "It is so.", "content": content}
    return {method: {**told, "responses": {"200": good, **refused}} for method in ("get", "head")}


def model_paths() -> Told:
    """Return the paths of models."""
    paths: Told = {}
    for base in MODELS:
        told: Told = {"tags": ["models"], "summary": "List the models that the key may use."}
        listed = {"description": "In the client's dialect.", "content": {JSON: {"schema": {}}}}
        every = {**told, "responses": {"200": listed, **refusals(KEYED, ref("error"))}}
        unknown = refusals((*KEYED, errors.MODEL_UNKNOWN), ref("error"))
        one = {
            **told,
            "summary": "Tell of one model.",
            "parameters": [named("model")],
            "responses": {"200": listed, **unknown},
        }
        paths[base.decode()] = {"get": every, "head": every}
        paths[f"{base.decode()}/{{model}}"] = {"get": one, "head": one}
    return paths


def control_paths(shapes: Shapes) -> Told:
    """Return the paths of what the steward answers."""
    paths: Told = {}
    for resource, of in served().items():
        base = f"{PREFIX.decode()}{resource}"
        for each in of:
            path = base if each.name is None else f"{base}/{{{each.name}}}"
            paths.setdefault(path, {})[each.method.lower()] = _control(resource, each, shapes)
    return paths


def hook_paths(shapes: Shapes) -> Told:
    """Return the path where trackers tell outcomes: what they send is theirs, and signed."""
    content = {JSON: {"schema": shapes.of(HookTold)}}
    codes = (
        *EDGE,
        *(errors.PATH_UNKNOWN, errors.SIGNATURE_INVALID, errors.LEDGER_UNAVAILABLE),
        *(errors.BODY_MALFORMED, errors.BODY_INVALID),
    )
    told: Told = {
        "summary": "Take what a tracker tells of how work ended.",
        "tags": ["outcomes"],
        "security": [],
        "parameters": [named("hook")],
        "requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
        "responses": {
            "200": {"description": "It was kept.", "content": content},
            "202": {"description": "Nothing comes of it, and why.", "content": content},
            **refusals(codes, ref("error")),
        },
    }
    return {f"{HOOKS.decode()}{{hook}}": {"post": told}}


def _control(resource: str, each: Served, shapes: Shapes) -> Told:
    good = {"description": "Done.", "content": {JSON: {"schema": shapes.of(each.answer)}}}
    refused = refusals((*CONTROL, *each.codes), ref("error"))
    told: Told = {"summary": each.summary, "tags": [resource]}
    if each.name is not None:
        told["parameters"] = [named(each.name)]
    if each.body is not None:
        content = {JSON: {"schema": shapes.of(each.body)}}
        told["requestBody"] = {"required": True, "content": content}
    return {**told, "responses": {str(each.status): good, **refused}}


def named(name: str) -> Told:
    """Return the parameter that stands in a path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
