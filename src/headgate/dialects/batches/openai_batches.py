"""OpenAI's batches: a file of lines, a batch of it, files of results.

Wire formats: https://platform.openai.com/docs/api-reference/batch and .../files.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from headgate.dialects.batches.files import page_of
from headgate.dialects.batches.lines import Asked, Wanted, objection
from headgate.dialects.body import TOO_DEEP, decode
from headgate.records.batch import (
    CUSTOM_ID_MAX,
    FILES_KEPT_NS,
    FILES_KEPT_S_MAX,
    FILES_KEPT_S_MIN,
    Batch,
)
from headgate.units.errors import BODY_INVALID, Refusal
from headgate.units.instants import NANOS_PER_SECOND

KIND = "openai_batches"
PATH = "/v1/batches"
PREFIX = "batch_"
ENDPOINTS: Mapping[str, str] = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/embeddings": "embeddings",
}
SPOKEN = "openai_chat"
ONE_MODEL = True
DELETES = False
SPLITS = True

DAY_S = 86_400
_CUSTOM_ID = re.compile(rf"[^\x00-\x1f\x7f]{{1,{CUSTOM_ID_MAX}}}")


class _Expiring(Struct):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=FILES_KEPT_S_MIN, le=FILES_KEPT_S_MAX)]


class _Created(Struct):
    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: dict[str, str] | None = None
    output_expires_after: _Expiring | None = None


BODY = _Created
_CREATED = msgspec.json.Decoder(_Created)


class _Line(Struct):
    custom_id: str
    url: str
    body: Raw
    method: str = "POST"


_LINE = msgspec.json.Decoder(_Line)


def read(body: bytes) -> Wanted | Refusal:
    """Read what a client asks for; see `BatchWire.read`."""
    wanted = decode(_CREATED, body)
    if isinstance(wanted, Refusal):
        return wanted
    if wanted.endpoint not in ENDPOINTS:
        message = f"Batches go to {', '.join(ENDPOINTS)}, not to {wanted.endpoint[:64]!r}."
        return Refusal(BODY_INVALID, message, "endpoint")
    if wanted.completion_window != "24h":
        return Refusal(BODY_INVALID, 'The completion_window is "24h".', "completion_window")
    metadata = wanted.metadata or {}
    if len(metadata) > 15:
        return Refusal(BODY_INVALID, "There may be 15 keys of metadata here.", "metadata")
    told = msgspec.json.encode(metadata).decode()
    expiring = wanted.output_expires_after
    kept_ns = FILES_KEPT_NS if expiring is None else expiring.seconds * NANOS_PER_SECOND
    return Wanted(wanted.endpoint, wanted.input_file_id, (), told, kept_ns)


def read_lines(data: bytes, endpoint: str) -> list[Asked] | Refusal:
    """Read a file of lines; see `BatchWire.read_lines`."""
    lines: list[Asked] = []
    for number, text in enumerate(data.splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = _LINE.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Refusal(BODY_INVALID, f"Line {number}: {error}.")
        except RecursionError:
            return TOO_DEEP._replace(message=f"Line {number}: {TOO_DEEP.message}")
        if line.url != endpoint or line.method != "POST":
            return Refusal(BODY_INVALID, f"Line {number}: it is to be a POST to {endpoint}.", "url")
        lines.append(Asked(line.custom_id, bytes(line.body)))
    return objection(lines, _CUSTOM_ID) or lines


def render(batch: Batch) -> bytes:
    """Render a batch for its client."""
    return msgspec.json.encode(_document(batch))


def render_list(batches: Sequence[Batch], *, has_more: bool) -> bytes:
    """Render a page of batches."""
    return msgspec.json.encode(page_of([_document(each) for each in batches], has_more=has_more))


def render_deleted(batch: str) -> bytes:
    """Render that a batch was deleted."""
    return msgspec.json.encode({"id": batch, "object": "batch", "deleted": True})


def render_untold(_custom_id: str, _why: str | None) -> None:
    """The batch says why there is nothing of some lines; see `BatchWire.render_untold`."""


def _status(batch: Batch) -> str:
    if batch.stage == "settled":
        return batch.ending
    if batch.cancel_ns is not None:
        return "cancelling"
    return "in_progress" if batch.stage == "sent" else "validating"


def _document(batch: Batch) -> dict[str, object]:
    status = _status(batch)
    ended_s = None if batch.ended_ns is None else batch.ended_ns // 1_000_000_000
    created_s = batch.created_ns // 1_000_000_000
    counts = batch.counts
    errors = None
    if batch.error is not None:
        fault = {"code": "refused", "message": batch.error, "param": None, "line": None}
        errors = {"object": "list", "data": [fault]}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors,
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "status": status,
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "created_at": created_s,
        "in_progress_at": None,
        "expires_at": created_s + DAY_S,
        "finalizing_at": None,
        "completed_at": ended_s if status == "completed" else None,
        "failed_at": ended_s if status == "failed" else None,
        "expired_at": ended_s if status == "expired" else None,
        "cancelling_at": None if batch.cancel_ns is None else batch.cancel_ns // 1_000_000_000,
        "cancelled_at": ended_s if status == "cancelled" else None,
        "request_counts": {
            "total": batch.lines,
            "completed": counts.succeeded,
            "failed": counts.errored + counts.canceled + counts.expired,
        },
        "metadata": msgspec.json.decode(batch.metadata),
    }
