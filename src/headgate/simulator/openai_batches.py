"""OpenAI's files and batches, as far as batches need them."""

import json
import secrets
import time
from contextlib import suppress
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NamedTuple

from headgate.simulator.batches import Batch, BatchControl, Batches, Line, Run, unheard
from headgate.simulator.dialect import ApiError
from headgate.simulator.replies import Ending, Reply, body_reply, json_reply, silent_reply
from headgate.simulator.server import Request

FILES, BATCHES = "/v1/files", "/v1/batches"
_ENDED = {
    "canceled": "cancelled",
    "completed": "completed",
    "expired": "expired",
    "failed": "failed",
}


class OpenAIBatches:
    """Answers for both."""

    def __init__(self, control: BatchControl, run: Run) -> None:
        self.batches = Batches(control, run, "batch_up")
        self._files: dict[str, bytes] = {}
        self._under_way: tuple[int, Request] | None = None

    def handles(self, request: Request) -> bool:
        """Tell whether a request is for one of them."""
        return request.path.startswith((FILES, BATCHES))

    def reply(self, request: Request) -> Reply:
        """Answer a request.

        Raises:
            ApiError: It is refused.
        """
        try:
            return self._answer(request)
        finally:
            self._catch_up()

    def _catch_up(self) -> None:
        """Carry out a request that was on its way for long enough, if it still can be."""
        if self._under_way is None:
            return
        count, request = self._under_way
        self._under_way = (count - 1, request) if count else None
        if not count:
            with suppress(ApiError):
                self._make(request)

    def _answer(self, request: Request) -> Reply:
        rest = request.path.split("/")[3:]
        match (request.method, request.path.split("/")[2], rest):
            case ("POST", "files", []):
                return self._upload(request)
            case ("GET", "files", [name, "content"]):
                return body_reply(200, (("content-type", "application/jsonl"),), self._file(name))
            case ("DELETE", "files", [name]):
                self._files.pop(name, None)
                return _json({"id": name, "object": "file", "deleted": True})
            case ("POST", "batches", []):
                return self._create(request)
            case ("GET", "batches", []):
                data = [self._document(each) for each in self.batches.newest()]
                return _json({"object": "list", "data": data, "has_more": False})
            case ("GET", "batches", [name]):
                return _json(self._document(self.batches.look(self._batch(name))))
            case ("POST", "batches", [name, "cancel"]):
                batch = self._batch(name)
                batch.cancelled = not batch.ended
                return _json(self._document(batch))
        raise ApiError(404, "invalid_request_error", f"Invalid URL ({request.path})")

    def _upload(self, request: Request) -> Reply:
        content = read_form(request).content
        return _json({"id": self._keep(content), "object": "file", "bytes": len(content)})

    def _keep(self, content: bytes) -> str:
        name = f"file-up{secrets.token_hex(8)}"
        self._files[name] = content
        return name

    def _file(self, name: str) -> bytes:
        if name not in self._files:
            raise ApiError(404, "invalid_request_error", f"No such File object: {name}")
        return self._files[name]

    def _batch(self, name: str) -> Batch:
        if name not in self.batches.made:
            raise ApiError(404, "invalid_request_error", f"No batch found with id '{name}'.")
        return self.batches.made[name]

    def _create(self, request: Request) -> Reply:
        control = self.batches.control
        if control.late:
            self._under_way, control.late = (control.late, request), 0
            return silent_reply(Ending.RESET)
        made = self._make(request)
        if control.lost:
            return unheard(control)
        return _json(self._document(made))

    def _make(self, request: Request) -> Batch:
        about = json.loads(request.body)
        rows = [json.loads(line) for line in self._file(about["input_file_id"]).splitlines()]
        if len({row["body"]["model"] for row in rows}) > 1:
            raise ApiError(400, "invalid_request_error", "All requests must be for one model.")
        lines = [Line(row["custom_id"], row["url"], row["body"]) for row in rows]
        made = self.batches.add(lines, request, about)
        if self.batches.control.fails:
            self.batches.control.fails = False
            self._fail(made, "invalid_request", "The batch was refused as a whole.")
        return made

    def _fail(self, batch: Batch, code: str, message: str) -> None:
        """End a batch that was found to be wrong before any line ran."""
        batch.ended = "failed"
        fault = {"code": code, "message": message, "param": None, "line": None}
        batch.about["faults"] = {"object": "list", "data": [fault]}

    def _document(self, batch: Batch) -> dict[str, Any]:
        self._write(batch)
        about = batch.about
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": about["endpoint"],
            "input_file_id": about["input_file_id"],
            "completion_window": about["completion_window"],
            "metadata": about.get("metadata"),
            "status": _ENDED.get(batch.ended, "in_progress"),
            "created_at": batch.created_s,
            "output_file_id": about.get("output"),
            "error_file_id": about.get("errors"),
            "errors": about.get("faults"),
            "request_counts": {
                "total": len(batch.lines),
                "completed": self.batches.count(batch, 200),
                "failed": sum(line.status not in (0, 200) for line in batch.lines),
            },
        }

    def _write(self, batch: Batch) -> None:
        """Write the files of results, once."""
        if not batch.ended or "written" in batch.about:
            return
        batch.about["written"] = True
        lines = batch.lines[: len(batch.lines) - self.batches.control.untold]
        good = [_result(line) for line in lines if line.status == 200]
        bad = [_result(line) for line in lines if line.status != 200 and _is_told(line)]
        if good:
            batch.about["output"] = self._keep(b"".join(good))
        if bad:
            batch.about["errors"] = self._keep(b"".join(bad))


class Form(NamedTuple):
    """A file as it is uploaded."""

    filename: str
    purpose: str
    content: bytes


def read_form(request: Request) -> Form:
    """Read the form of an upload."""
    head = f"content-type: {request.header('content-type')}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    content, purpose = parts["file"].get_payload(decode=True), parts["purpose"].get_payload()
    assert isinstance(content, bytes)
    assert isinstance(purpose, str)
    return Form(parts["file"].get_filename() or "", purpose.strip(), content)


def _is_told(line: Line) -> bool:
    """Tell whether a line is in the results: those that were cancelled are not."""
    return bool(line.status) or line.ending == "expired"


def _result(line: Line) -> bytes:
    response = error = None
    if line.status:
        request_id = f"req_{secrets.token_hex(8)}"
        response = {"status_code": line.status, "request_id": request_id, "body": line.document}
    else:
        error = {"code": "batch_expired", "message": "This request could not be executed in time."}
    told = {"id": f"batch_req_{secrets.token_hex(8)}", "custom_id": line.custom_id}
    return json.dumps({**told, "response": response, "error": error}).encode() + b"\n"


def _json(document: dict[str, Any]) -> Reply:
    return json_reply(200, (("x-request-id", f"req_{time.time_ns():x}"),), document)
