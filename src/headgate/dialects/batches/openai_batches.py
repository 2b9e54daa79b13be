"""OpenAI's batches: a file of lines, a batch of it, files of results.

Wire formats: https://platform.openai.com/docs/api-reference/batch and .../files.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from headgate.dialects.batches.files import page_of
from headgate.dialects.batches.lines import (
    Asked,
    Outcome,
    Wanted,
    number_of,
    objection,
    one_line,
)
from headgate.dialects.batches.steps import Asking, Look, PendingError, RejectedError, Steps, asked
from headgate.dialects.body import TOO_DEEP, decode
from headgate.records.batch import CUSTOM_ID_MAX, Batch, Counts, Result
from headgate.units.errors import BODY_INVALID, Refusal

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
HEADERS: Mapping[str, str] = {}
DELETES = False
SPLITS = True

LIST_PAGES_MAX = 20
DAY_S = 86_400
_CUSTOM_ID = re.compile(rf"[^\x00-\x1f\x7f]{{1,{CUSTOM_ID_MAX}}}")
_BOUNDARY = "headgate-batch-e5c1b0d2f7a94c68"
_MARK = "headgate_batch"
_ENDED: Mapping[str, str] = {
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}


class _Created(Struct):
    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: dict[str, str] | None = None


BODY = _Created
_CREATED = msgspec.json.Decoder(_Created)


class _Line(Struct):
    custom_id: str
    url: str
    body: Raw
    method: str = "POST"


_LINE = msgspec.json.Decoder(_Line)


class _RequestCounts(Struct, frozen=True):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Fault(Struct):
    message: str = ""
    code: str | None = None


class _Faults(Struct):
    data: list[_Fault] = []


class _Upstream(Struct):
    id: str
    status: str = ""
    created_at: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _RequestCounts | None = None
    errors: _Faults | None = None
    metadata: dict[str, str] | None = None


class _Page(Struct):
    data: list[_Upstream] = []
    has_more: bool = False


class _Named(Struct):
    id: str


class _Response(Struct):
    status_code: int = 0
    request_id: str | None = None
    body: Raw = Raw(b"null")


class _ResultLine(Struct):
    custom_id: str
    response: _Response | None = None
    error: _Fault | None = None


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
    return Wanted(wanted.endpoint, wanted.input_file_id, (), told)


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


def told_line(name: str, endpoint: str, body: bytes) -> bytes:
    """Return a line as it goes to a provider."""
    line = {"custom_id": name, "method": "POST", "url": endpoint, "body": Raw(one_line(body))}
    return msgspec.json.encode(line) + b"\n"


def create(batch: Batch, content: bytes, base: str) -> Steps[tuple[str, ...]]:
    """Upload the lines and make a batch of them."""
    form = _form(f"{batch.id}.jsonl", content)
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    uploaded = yield from asked(Asking("POST", f"{base}/files", form, kind))
    file = msgspec.json.decode(uploaded, type=_Named).id
    wanted = {
        "input_file_id": file,
        "endpoint": batch.endpoint,
        "completion_window": "24h",
        "metadata": msgspec.json.decode(batch.metadata) | {_MARK: batch.id},
    }
    body = msgspec.json.encode(wanted)
    made = yield from asked(Asking("POST", f"{base}/batches", body))
    return msgspec.json.decode(made, type=_Named).id, file


def _form(filename: str, content: bytes) -> bytes:
    delimiter = f"--{_BOUNDARY}"
    assert delimiter.encode() not in content, "names are given by us"
    head = (
        f'{delimiter}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'{delimiter}\r\ncontent-disposition: form-data; name="file"; filename="{filename}"\r\n'
        "content-type: application/jsonl\r\n\r\n"
    )
    return head.encode() + content + f"\r\n{delimiter}--\r\n".encode()


def find(batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch by the mark that it was made with."""
    assert batch.sending_ns is not None
    since_s = batch.sending_ns // 1_000_000_000 - DAY_S
    after = ""
    for _ in range(LIST_PAGES_MAX):
        body = yield from asked(Asking("GET", f"{base}/batches?limit=100{after}"))
        page = msgspec.json.decode(body, type=_Page)
        for each in page.data:
            if (each.metadata or {}).get(_MARK) == batch.id:
                return each.id
        if not page.has_more or not page.data or page.data[-1].created_at < since_s:
            return None
        after = f"&after={page.data[-1].id}"
    raise PendingError


def look(batch: Batch, base: str) -> Steps[Look]:
    """Ask how a batch stands."""
    body = yield from asked(Asking("GET", f"{base}/batches/{batch.upstream}"))
    told = msgspec.json.decode(body, type=_Upstream)
    counts = told.request_counts or _RequestCounts()
    ended = _ENDED.get(told.status)
    error = None
    if told.errors is not None and told.errors.data:
        error = told.errors.data[0].message
    return Look(
        ended,
        Counts(counts.completed, counts.failed),
        tuple(file for file in (told.output_file_id, told.error_file_id) if file),
        whole=ended == "completed",
        error=error,
    )


def cancel(batch: Batch, base: str) -> Steps[None]:
    """Cancel it; one that has ended meanwhile is none to cancel."""
    try:
        yield from asked(Asking("POST", f"{base}/batches/{batch.upstream}/cancel"))
    except RejectedError as error:
        if not error.final:
            raise


def results(batch: Batch, look: Look, base: str) -> Steps[list[bytes]]:  # noqa: ARG001
    """Return the files of results."""
    files: list[bytes] = []
    for file in look.files:
        content = yield from asked(Asking("GET", f"{base}/files/{file}/content"))
        files.append(content)
    return files


def forget(batch: Batch, base: str) -> Steps[None]:
    """Delete the file of lines."""
    for file in batch.upstream_files:
        yield Asking("DELETE", f"{base}/files/{file}")


def outcome(line: bytes, custom_ids: Mapping[int, str]) -> Outcome:
    """Read a line of the results; see `BatchWire.outcome`."""
    found = msgspec.json.decode(line, type=_ResultLine)
    number = number_of(found.custom_id)
    response = found.response
    result: Result = "errored"
    if response is not None and response.status_code == 200:
        result = "succeeded"
    elif found.error is not None and found.error.code == "batch_expired":
        result = "expired"
    elif found.error is not None and found.error.code == "batch_cancelled":
        result = "canceled"
    told = msgspec.json.decode(line, type=dict[str, Raw])
    told["custom_id"] = Raw(msgspec.json.encode(custom_ids.get(number or 0, found.custom_id)))
    return Outcome(
        number,
        result,
        None if response is None else bytes(response.body),
        0 if response is None else response.status_code,
        msgspec.json.encode(told),
        None if response is None else response.request_id,
    )


def render(batch: Batch) -> bytes:
    """Render a batch for its client."""
    return msgspec.json.encode(_document(batch))


def render_list(batches: Sequence[Batch], *, has_more: bool) -> bytes:
    """Render a page of batches."""
    return msgspec.json.encode(page_of([_document(each) for each in batches], has_more=has_more))


def render_deleted(batch: str) -> bytes:
    """Render that a batch was deleted."""
    return msgspec.json.encode({"id": batch, "object": "batch", "deleted": True})


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
