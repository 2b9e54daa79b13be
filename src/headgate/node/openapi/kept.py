"""The paths of responses that a provider keeps."""

from headgate.dialects.kept_responses import ASKED, NAME_PATTERN, PREFIX, SPOKEN
from headgate.dialects.registry import Dialect
from headgate.node.openapi.answers import JSON, KEYED, UNSIGNED, Told, error_name, ref, refusals
from headgate.units import errors

CODES = (
    *KEYED,
    errors.BODY_INVALID,
    errors.ENDPOINT_UNSUPPORTED,
    errors.FEATURE_UNSUPPORTED,
    errors.LEDGER_UNAVAILABLE,
    errors.OVERLOADED,
    errors.RESPONSE_UNKNOWN,
    errors.UPSTREAM_CREDENTIAL,
    errors.UPSTREAM_ERROR,
    errors.UPSTREAM_UNREACHABLE,
)
"""What a request about a kept response can be refused with, beside what its provider says."""

_SUMMARIES = {
    ("GET", ""): "Show a response that the provider keeps.",
    ("DELETE", ""): "Delete a response that the provider keeps.",
    ("POST", "cancel"): "Cancel a response; the provider judges whether it can be.",
    ("GET", "input_items"): "List the input of a response that the provider keeps.",
}


def kept_paths(dialects: dict[str, Dialect]) -> Told:
    """Return these paths; their errors are those of the dialect in which they are asked."""
    names = sorted({error_name(dialects[SPOKEN]), UNSIGNED})
    refused = refusals(CODES, {"anyOf": [ref(name) for name in names]}, passed_on=True)
    pattern = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}
    response = {"name": "response", "in": "path", "required": True, "schema": pattern}
    paths: Told = {}
    for (method, below), query in ASKED.items():
        path = f"{PREFIX}{{response}}" + (f"/{below}" if below else "")
        asked = [{"name": each, "in": "query", "schema": {"type": "string"}} for each in query]
        good = {"description": "Done.", "content": {JSON: {"schema": {"type": "object"}}}}
        passed: Told = {"description": "The provider's own error.", "content": {"*/*": {}}}
        paths.setdefault(path, {})[method.lower()] = {
            "summary": _SUMMARIES[method, below],
            "tags": ["kept"],
            "parameters": [response, *asked],
            "responses": {"200": good, **refused, "default": passed},
        }
    return paths
