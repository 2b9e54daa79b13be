"""Anthropic's message batches: the lines come with the request, the results are one stream of JSON.

Wire format: https://docs.claude.com/en/api/creating-message-batches and the pages beside it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from headgate.dialects.batches.lines import (
    Asked,
    Outcome,
    Wanted,
    number_of,
    objection,
    one_line,
)
from headgate.dialects.batches.steps import Asking, Look, PendingError, RejectedError, Steps, asked
from headgate.dialects.body import decode
from headgate.records.batch import CUSTOM_ID_MAX, Batch, Counts, Result
from headgate.units.errors import BODY_INVALID, Refusal
from headgate.units.instants import to_iso

KIND = "anthropic_batches"
PATH = "/v1/messages/batches"
PREFIX = "msgbatch_"
ENDPOINTS: Mapping[str, str] = {"/v1/messages": "anthropic_messages"}
SPOKEN = "anthropic_messages"
ONE_MODEL = False
HEADERS: Mapping[str, str] = {"anthropic-version": "2023-06-01"}
DELETES = True
SPLITS = False

ENDED = "ended"
LIST_PAGES_MAX = 20
EARLIER_S = 60
"""Clocks may differ by so much."""
DAY_NS = 86_400_000_000_000
_CUSTOM_ID = re.compile(rf"[a-zA-Z0-9_-]{{1,{CUSTOM_ID_MAX}}}")


class _Request(Struct):
    custom_id: str
    params: Raw


class _Created(Struct):
    requests: list[_Request]


BODY = _Created
_CREATED = msgspec.json.Decoder(_Created)


class _RequestCounts(Struct, frozen=True):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Upstream(Struct):
    id: str
    processing_status: str
    request_counts: _RequestCounts = _RequestCounts()
    created_at: str = ""


class _Page(Struct):
    data: list[_Upstream] = []
    has_more: bool = False
    last_id: str | None = None


class _Named(Struct):
    custom_id: str


class _Result(Struct):
    type: str
    message: Raw = Raw(b"null")


class _ResultLine(Struct):
    custom_id: str
    result: _Result


_RESULTS: Mapping[str, Result] = {
    "succeeded": "succeeded",
    "errored": "errored",
    "canceled": "canceled",
    "expired": "expired",
}


def read(body: bytes) -> Wanted | Refusal:
    """Read what a client asks for; see `BatchWire.read`."""
    wanted = decode(_CREATED, body)
    if isinstance(wanted, Refusal):
        return wanted
    lines = [Asked(each.custom_id, bytes(each.params)) for each in wanted.requests]
    refusal = objection(lines, _CUSTOM_ID)
    return refusal or Wanted("/v1/messages", None, tuple(lines), "{}")


def read_lines(data: bytes, endpoint: str) -> list[Asked] | Refusal:  # noqa: ARG001
    """No file has lines here."""
    return Refusal(BODY_INVALID, "Send the lines as `requests`.")


def told_line(name: str, endpoint: str, body: bytes) -> bytes:  # noqa: ARG001
    """Return a line as it goes to a provider."""
    return msgspec.json.encode({"custom_id": name, "params": Raw(one_line(body))}) + b"\n"


def _path(base: str) -> str:
    return base.removesuffix("/v1") + PATH


def create(batch: Batch, content: bytes, base: str) -> Steps[tuple[str, ...]]:  # noqa: ARG001
    """Hand over a batch."""
    body = b'{"requests":[' + b",".join(content.splitlines()) + b"]}"
    made = yield from asked(Asking("POST", _path(base), body))
    return (msgspec.json.decode(made, type=_Upstream).id,)


def find(batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch by the names of its lines, which stand in the results alone.

    Raises:
        PendingError: One that may be it has no results yet.
    """
    assert batch.sending_ns is not None
    since_s = batch.sending_ns // 1_000_000_000 - EARLIER_S
    after, pending = "", False
    for _ in range(LIST_PAGES_MAX):
        body = yield from asked(Asking("GET", f"{_path(base)}?limit=100{after}"))
        page = msgspec.json.decode(body, type=_Page)
        recent = [each for each in page.data if _created_s(each) >= since_s]
        for each in recent:
            if each.processing_status != ENDED:
                pending = True
                continue
            found = yield from asked(Asking("GET", f"{_path(base)}/{each.id}/results"))
            first = msgspec.json.decode(
                found.partition(b"\n")[0] or b'{"custom_id":""}', type=_Named
            )
            if first.custom_id.startswith(f"{batch.call}-"):
                return each.id
        if not page.has_more or len(recent) < len(page.data):
            break
        after = f"&after_id={page.last_id}"
    if pending:
        raise PendingError
    return None


def _created_s(told: _Upstream) -> int:
    return int(datetime.fromisoformat(told.created_at).timestamp())


def look(batch: Batch, base: str) -> Steps[Look]:
    """Ask how a batch stands."""
    body = yield from asked(Asking("GET", f"{_path(base)}/{batch.upstream}"))
    told = msgspec.json.decode(body, type=_Upstream)
    counts = told.request_counts
    ended = ENDED if told.processing_status == ENDED else None
    done = Counts(counts.succeeded, counts.errored, counts.canceled, counts.expired)
    return Look(ended, done, ("results",), whole=True)


def cancel(batch: Batch, base: str) -> Steps[None]:
    """Cancel it; one that has ended meanwhile is none to cancel."""
    try:
        yield from asked(Asking("POST", f"{_path(base)}/{batch.upstream}/cancel"))
    except RejectedError as error:
        if not error.final:
            raise


def results(batch: Batch, look: Look, base: str) -> Steps[list[bytes]]:  # noqa: ARG001
    """Return the results."""
    body = yield from asked(Asking("GET", f"{_path(base)}/{batch.upstream}/results"))
    return [body]


def forget(batch: Batch, base: str) -> Steps[None]:  # noqa: ARG001
    """Nothing is left that its provider does not delete itself."""
    yield from ()


def outcome(line: bytes, custom_ids: Mapping[int, str]) -> Outcome:
    """Read a line of the results; see `BatchWire.outcome`."""
    found = msgspec.json.decode(line, type=_ResultLine)
    number = number_of(found.custom_id)
    result = _RESULTS.get(found.result.type, "errored")
    told = msgspec.json.decode(line, type=dict[str, Raw])
    told["custom_id"] = Raw(msgspec.json.encode(custom_ids.get(number or 0, found.custom_id)))
    succeeded = result == "succeeded"
    return Outcome(
        number,
        result,
        bytes(found.result.message) if succeeded else None,
        200 if succeeded else 0,
        msgspec.json.encode(told),
    )


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
