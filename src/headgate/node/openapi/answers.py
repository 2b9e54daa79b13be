"""How the OpenAPI document tells answers: codes by status, error bodies, headers of ours.

What the body of an error looks like is found by rendering one, so it cannot differ from what is
sent.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from headgate.dialects.registry import Dialect
from headgate.gateway.refusals import UNAUTHORIZED
from headgate.units import errors
from headgate.units.errors import Code, Refusal

Told = dict[str, Any]
"""A part of the document."""

JSON = "application/json"
UNSIGNED = "error.unsigned"

EDGE = (
    errors.REQUEST_MALFORMED,
    errors.HEAD_TOO_LARGE,
    errors.REQUEST_TIMEOUT,
    errors.BODY_TOO_LARGE,
    errors.OVERLOADED,
    errors.INTERNAL,
    errors.REALTIME_UNSUPPORTED,
)
"""What any request can be refused with, in whatever state it is."""

KEYED = (
    *EDGE,
    errors.KEY_INVALID,
    errors.KEY_EXPIRED,
    *(code for code in errors.CODES if code.code.startswith("delegation_")),
)
"""What any request that needs a key can be refused with."""

REPLIED = {
    "x-headgate-call": "The call's id.",
    "x-headgate-deployment": "Which deployment served it.",
    "x-headgate-decision": "Number of the routing decision in the worker's journal.",
    "x-headgate-hold-usd": "What was held for the last attempt, dollars.",
    "x-headgate-cost-usd": "What was posted; not on streams.",
    "x-headgate-count": "How tokens were counted that no provider was asked for.",
    "x-headgate-model": "The model that the reply names.",
    "x-headgate-cache": "`hit`, `miss` or `bypass`, on routes with a response cache.",
    "x-headgate-cascade": "Which step of how many answered.",
    "x-headgate-lost": "Places in the request that a translation left out.",
    "x-headgate-reply-lost": "Places in the reply that a translation left out.",
    "x-headgate-replayed": "`true` on a reply that is given again.",
    "x-headgate-waited-ms": "How long the call waited for places, milliseconds.",
    "x-headgate-approval": "The request for approval that the call waited for.",
}
"""What a call can be answered with."""

REFUSED = {
    "x-headgate-code": "The stable code.",
    "x-headgate-eta-ms": "When a place may be free, milliseconds.",
    "x-headgate-elsewhere": "A route that would serve the call now.",
    "x-headgate-elsewhere-usd": "What it is expected to cost there, dollars.",
    "x-headgate-saves-usd": "What waiting is expected to save, dollars.",
    "retry-after": "Seconds after which a new try makes sense.",
    "x-should-retry": "What the official clients obey.",
}
"""What a refusal can say beside its body."""

CHALLENGE = "www-authenticate"
CHALLENGED = {CHALLENGE: "How to say who one is."}
"""What 401 says besides."""


def error_name(dialect: Dialect) -> str:
    """Return the name of the schema of a dialect's errors, which those with its sign share."""
    return f"error.{(dialect.SIGN or b'unsigned').decode()}"


def error_schema(dialect: Dialect) -> Told:
    """Return the schema of the errors that a dialect renders."""
    least = Refusal(errors.BODY_INVALID, errors.BODY_INVALID.sentence)
    rendered = (
        dialect.render_refusal(least, None),
        dialect.render_refusal(least._replace(param="model"), "call_1"),
    )
    return _shape(*map(json.loads, rendered))


def _shape(least: Any, most: Any) -> Told:
    """Return the schema of what is as little as the one or as much as the other."""
    if isinstance(most, Mapping):
        members = {name: _shape(least.get(name, each), each) for name, each in most.items()}
        return {"type": "object", "properties": members, "required": sorted(least)}
    if isinstance(most, list):
        return {"type": "array", "items": _shape(least[0], most[0])}
    kind = "integer" if isinstance(most, int) else "string"
    return {"type": [kind, "null"] if least is None else kind}


def refusals(
    codes: Iterable[Code],
    schema: Told,
    headers: Iterable[str] = ("retry-after", "x-should-retry"),
    *,
    passed_on: bool = False,
) -> Told:
    """Return the answers of refusals by status.

    Args:
        codes: What there can be refused with.
        schema: Of the body.
        headers: Names of those of `REFUSED` and `REPLIED` that can come with them.
        passed_on: Whether a provider's error can come with them, whose status is the provider's:
            then a code may have another status than its own.
    """
    told_by = "examples" if passed_on else "enum"
    by_status: dict[int, set[str]] = defaultdict(set)
    for code in codes:
        by_status[code.status].add(code.code)
    return {
        str(status): {
            "description": "Refused: " + ", ".join(f"`{name}`" for name in sorted(names)) + ".",
            "headers": {
                "x-headgate-code": {"schema": {"type": "string", told_by: sorted(names)}},
                **{name: header(name) for name in headers if name != "x-headgate-code"},
                **({CHALLENGE: header(CHALLENGE)} if status == UNAUTHORIZED else {}),
            },
            "content": {JSON: {"schema": schema}},
        }
        for status, names in sorted(by_status.items())
    }


def header(name: str) -> Told:
    """Return the reference of a header of a reply."""
    return {"$ref": f"#/components/headers/{name}"}


def headers() -> Told:
    """Return every header of a reply that is ours."""
    told = {**REPLIED, **REFUSED, **CHALLENGED}
    return {
        name: {"description": told[name], "schema": {"type": "string"}} for name in sorted(told)
    }


def ref(name: str) -> Told:
    """Return the reference of a schema."""
    return {"$ref": f"#/components/schemas/{name}"}
