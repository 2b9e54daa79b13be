"""Anthropic's message batches: the lines come with the request, the results are one stream of JSON.

Wire format: https://docs.claude.com/en/api/creating-message-batches and the pages beside it.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from headgate.dialects.batches.lines import Asked, Wanted, objection
from headgate.dialects.body import decode
from headgate.records.batch import CUSTOM_ID_MAX, Batch, Counts
from headgate.units.errors import BODY_INVALID, Refusal
from headgate.units.instants import to_iso

KIND = "anthropic_batches"
PATH = "/v1/messages/batches"
PREFIX = "msgbatch_"
ENDPOINTS: Mapping[str, str] = {"/v1/messages": "anthropic_messages"}
SPOKEN = "anthropic_messages"
ONE_MODEL = False
DELETES = True
SPLITS = False

ENDED = "ended"
DAY_NS = 86_400_000_000_000
_CUSTOM_ID = re.compile(rf"[a-zA-Z0-9_-]{{1,{CUSTOM_ID_MAX}}}")


class _Request(Struct):
    custom_id: str
    params: Raw


class _Created(Struct):
    requests: list[_Request]


BODY = _Created
_CREATED = msgspec.json.Decoder(_Created)


def read(body: bytes) -> Wanted | Refusal:
    """Read what a client asks for; see `BatchWire.read`."""
    wanted = decode(_CREATED, body)
    if isinstance(wanted, Refusal):
        return wanted
    lines = [Asked(each.custom_id, bytes(each.params)) for each in wanted.requests]
    refusal = objection(lines, _CUSTOM_ID)
    return refusal or Wanted("/v1/messages", None, tuple(lines), "{}")


def read_lines(_data: bytes, _endpoint: str) -> list[Asked] | Refusal:
    """No file has lines here."""
    return Refusal(BODY_INVALID, "Send the lines as `requests`.")


def render(batch: Batch) -> bytes:
    """Render a batch for its client."""
    return msgspec.json.encode(_document(batch))


def render_list(batches: Sequence[Batch], *, has_more: bool) -> bytes:
    """Render a page of batches."""
    data = [_document(each) for each in batches]
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    page = {"data": data, "has_more": has_more, "first_id": ends[0], "last_id": ends[1]}
    return msgspec.json.encode(page)


def render_deleted(batch: str) -> bytes:
    """Render that a batch was deleted."""
    return msgspec.json.encode({"id": batch, "type": "message_batch_deleted"})


def render_untold(custom_id: str, why: str | None) -> bytes:
    """Render a line that has no result: this API has one of each; see `BatchWire.render_untold`."""
    result: dict[str, object] = {"type": "canceled"}
    if why is not None:
        fault = {"type": "invalid_request_error", "message": why}
        result = {"type": "errored", "error": {"type": "error", "error": fault, "request_id": None}}
    return msgspec.json.encode({"custom_id": custom_id, "result": result})


def _document(batch: Batch) -> dict[str, object]:
    settled = batch.stage == "settled"
    status = "canceling" if batch.cancel_ns is not None else "in_progress"
    counts = batch.counts if settled else Counts()
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": ENDED if settled else status,
        "request_counts": {
            "processing": 0 if settled else batch.lines,
            "succeeded": counts.succeeded,
            "errored": counts.errored,
            "canceled": counts.canceled,
            "expired": counts.expired,
        },
        "ended_at": None if batch.ended_ns is None else to_iso(batch.ended_ns),
        "created_at": to_iso(batch.created_ns),
        "expires_at": to_iso(batch.created_ns + DAY_NS),
        "archived_at": None,
        "cancel_initiated_at": None if batch.cancel_ns is None else to_iso(batch.cancel_ns),
        # A path: only the client knows by which address it reaches this gateway.
        "results_url": f"{PATH}/{batch.id}/results" if settled else None,
    }
