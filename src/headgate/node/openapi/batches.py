"""The paths of batches and of their files."""

from collections.abc import Iterable

from headgate.dialects.batches.registry import BatchWire
from headgate.dialects.registry import Dialect
from headgate.gateway.batching.forms import ANCHOR, SECONDS
from headgate.gateway.batching.routes import FILES
from headgate.node.openapi.answers import JSON, UNSIGNED, Told, error_name, ref, refusals
from headgate.node.openapi.asked import CONTROL, named
from headgate.node.openapi.calls import CALLS
from headgate.node.openapi.shapes import Shapes
from headgate.records.batch import FILES_KEPT_S_MAX, FILES_KEPT_S_MIN
from headgate.units import errors
from headgate.units.errors import Code

_KEPT = (*CONTROL, errors.NOT_PERMITTED, errors.UPLOAD_UNSPOOLED)
_BATCH = (*_KEPT, errors.BATCH_UNKNOWN)
_FILE = (*_KEPT, errors.FILE_UNKNOWN)
_OBJECT: Told = {JSON: {"schema": {"type": "object"}}}
_LINES: Told = {"application/x-jsonl": {}}


def batch_paths(wire: BatchWire, spoken: Dialect, shapes: Shapes) -> Told:
    """Return the paths of a wire format, with errors in its dialect."""
    one = f"{wire.PATH}/{{batch}}"
    errors_of = error_name(spoken)
    # It is permitted and held as a call is, so it can be refused with what a call can.
    make = _operation("Make a batch.", errors_of, (*_KEPT, *CALLS, errors.FILE_UNKNOWN))
    body = {JSON: {"schema": shapes.read(wire.BODY)}}
    make["requestBody"] = {"required": True, "content": body}
    may_have = ("x-headgate-run", "idempotency-key")
    make["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in may_have]
    listed = _operation("List one's batches.", errors_of, _KEPT)
    listed["parameters"] = _page()
    paths: Told = {
        wire.PATH: {"post": make, "get": listed},
        one: {"get": _one("Tell how a batch stands.", errors_of)},
        f"{one}/cancel": {"post": _one("Cancel a batch.", errors_of)},
    }
    if wire.DELETES:
        running = (errors.BATCH_RUNNING,)
        paths[one]["delete"] = _one("Delete a batch.", errors_of, running)
        results = _one("Fetch the results.", errors_of, (*running, errors.FILE_UNKNOWN), _LINES)
        paths[f"{one}/results"] = {"get": results}
    return paths


def file_paths() -> Told:
    """Return the paths of files."""
    keep = _operation("Keep a file.", UNSIGNED, (*_KEPT, errors.FILES_FULL))
    binary = {"contentMediaType": "application/octet-stream"}
    form = {
        "type": "object",
        "properties": {
            "purpose": {"type": "string"},
            "file": binary,
            ANCHOR: {"enum": ["created_at"]},
            SECONDS: {
                "type": "integer",
                "minimum": FILES_KEPT_S_MIN,
                "maximum": FILES_KEPT_S_MAX,
            },
        },
        "required": ["purpose", "file"],
    }
    keep["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    listed = _operation("List one's files.", UNSIGNED, _KEPT)
    listed["parameters"] = _page()
    show = _operation("Tell of a file.", UNSIGNED, _FILE)
    delete = _operation("Delete a file.", UNSIGNED, _FILE)
    content = _operation("Fetch a file.", UNSIGNED, _FILE, _LINES)
    for each in (show, delete, content):
        each["parameters"] = [named("file")]
    one = f"{FILES}/{{file}}"
    return {
        FILES: {"post": keep, "get": listed},
        one: {"get": show, "delete": delete},
        f"{one}/content": {"get": content},
    }


def _one(summary: str, errors_of: str, codes: Iterable[Code] = (), content: Told = _OBJECT) -> Told:
    told = _operation(summary, errors_of, (*_BATCH, *codes), content)
    return {**told, "parameters": [named("batch")]}


def _operation(
    summary: str, errors_of: str, codes: Iterable[Code], content: Told = _OBJECT
) -> Told:
    # What broke before the head was read is told in the shape of unsigned dialects.
    names = sorted({errors_of, UNSIGNED})
    schema = {"anyOf": [ref(name) for name in names]}
    good = {"description": "Done.", "content": content}
    return {
        "summary": summary,
        "tags": ["batches"],
        "responses": {"200": good, **refusals(codes, schema)},
    }


def _page() -> list[Told]:
    limit = {"type": "integer", "minimum": 1}
    return [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "after", "in": "query", "schema": {"type": "string"}},
        {"name": "after_id", "in": "query", "schema": {"type": "string"}},
    ]
