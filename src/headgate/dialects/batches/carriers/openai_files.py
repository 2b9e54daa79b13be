"""What carriers share that have OpenAI's shape: a file of lines, a batch of it, files of results.

Wire formats: https://platform.openai.com/docs/api-reference/batch and .../files.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, Struct

from headgate.dialects.batches.lines import Outcome, number_of, one_line
from headgate.dialects.batches.steps import Asking, Look, RejectedError, Steps, asked, rejection
from headgate.records.batch import Batch, Counts, Result

_BOUNDARY = "headgate-batch-e5c1b0d2f7a94c68"
_ENDED: Mapping[str, str] = {
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}


class _RequestCounts(Struct, frozen=True):
    completed: int | None = None
    failed: int | None = None


class _Fault(Struct):
    message: str | None = None
    code: str | None = None


class _Faults(Struct):
    data: list[_Fault] = []


class Upstream(Struct):
    """A batch as its provider tells of it."""

    id: str
    status: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _RequestCounts | None = None
    errors: _Faults | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files of results."""
        return tuple(file for file in (self.output_file_id, self.error_file_id) if file)


class Named(Struct):
    """Whatever has an id."""

    id: str


class _Response(Struct):
    status_code: int = 0
    request_id: str | None = None
    body: Raw = Raw(b"null")


class _ResultLine(Struct):
    custom_id: str
    response: _Response | None = None
    error: _Fault | None = None


def line(name: str, url: str, body: bytes) -> bytes:
    """Return a line as it goes to a provider."""
    told = {"custom_id": name, "method": "POST", "url": url, "body": Raw(one_line(body))}
    return msgspec.json.encode(told) + b"\n"


def uploaded(filename: str, content: bytes, base: str) -> Steps[str]:
    """Upload a file of lines; returns its id."""
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    told = yield from asked(Asking("POST", f"{base}/files", _form(filename, content), kind))
    return msgspec.json.decode(told, type=Named).id


def _form(filename: str, content: bytes) -> bytes:
    delimiter = f"--{_BOUNDARY}"
    assert delimiter.encode() not in content, "names are given by us"
    head = (
        f'{delimiter}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'{delimiter}\r\ncontent-disposition: form-data; name="file"; filename="{filename}"\r\n'
        "content-type: application/jsonl\r\n\r\n"
    )
    return head.encode() + content + f"\r\n{delimiter}--\r\n".encode()


def sought(seek: Callable[[], Steps[str | None]], batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch; when it is not there, delete its file and look once more.

    The request that makes it may still be on its way: of a file that is gone it makes nothing.
    """
    found = yield from seek()
    if found is not None or not batch.upstream_files:
        return found
    for file in batch.upstream_files:
        answer = yield Asking("DELETE", f"{base}/files/{file}")
        if not 200 <= answer.status < 300 and answer.status != 404:
            raise rejection(answer)
    found = yield from seek()
    return found


def made(file: str, endpoint: str, metadata: Mapping[str, str], base: str) -> Steps[str]:
    """Make a batch of a file; returns its id."""
    wanted = {
        "input_file_id": file,
        "endpoint": endpoint,
        "completion_window": "24h",
        "metadata": metadata,
    }
    told = yield from asked(Asking("POST", f"{base}/batches", msgspec.json.encode(wanted)))
    return msgspec.json.decode(told, type=Named).id


def look(batch: Batch, base: str) -> Steps[Look]:
    """Ask how a batch stands."""
    body = yield from asked(Asking("GET", f"{base}/batches/{batch.upstream}"))
    told = msgspec.json.decode(body, type=Upstream)
    counts = told.request_counts or _RequestCounts()
    ended = _ENDED.get(told.status.lower())
    error = None
    if told.errors is not None and told.errors.data:
        error = told.errors.data[0].message
    return Look(
        ended,
        Counts(counts.completed or 0, counts.failed or 0),
        told.files,
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


def results(_batch: Batch, look: Look, base: str) -> Steps[list[bytes]]:
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


def outcome(text: bytes, custom_ids: Mapping[int, str]) -> Outcome:
    """Read a line of the results; see `Carrier.outcome`."""
    found = msgspec.json.decode(text, type=_ResultLine)
    number = number_of(found.custom_id)
    response = found.response
    result: Result = "errored"
    if response is not None and response.status_code == 200:
        result = "succeeded"
    elif found.error is not None and found.error.code == "batch_expired":
        result = "expired"
    elif found.error is not None and found.error.code == "batch_cancelled":
        result = "canceled"
    told = msgspec.json.decode(text, type=dict[str, Raw])
    told["custom_id"] = Raw(msgspec.json.encode(custom_ids.get(number or 0, found.custom_id)))
    return Outcome(
        number,
        result,
        None if response is None else bytes(response.body),
        0 if response is None else response.status_code,
        msgspec.json.encode(told),
        None if response is None else response.request_id,
    )
