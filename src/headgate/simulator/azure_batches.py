"""Azure OpenAI's files and batches: files are processed first, and batches checked once made."""

import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from headgate.simulator.azure_openai import BATCH, below, require_key
from headgate.simulator.batches import Batch, BatchControl, Line, Run
from headgate.simulator.dialect import ApiError
from headgate.simulator.models import ProviderName, find_model
from headgate.simulator.openai_batches import OpenAIBatches, read_form
from headgate.simulator.replies import Ending, Reply, json_reply, silent_reply
from headgate.simulator.server import Request

FILES_MAX = 500
PAGE_USUAL, PAGE_MAX = 20, 100
_PARTS = ("files", "batches")


@dataclass(slots=True)
class _File:
    """What is told of a file that was uploaded."""

    filename: str
    size: int
    spoilt: bool
    created_s: int = field(default_factory=lambda: int(time.time()))


class AzureBatches(OpenAIBatches):
    """Answers for both."""

    def __init__(self, control: BatchControl, run: Run) -> None:
        super().__init__(control, run)
        self._about: dict[str, _File] = {}

    def handles(self, request: Request) -> bool:
        """Tell whether a request is for one of them."""
        rest = request.path.removeprefix("/openai/").removeprefix("v1/")
        return request.path.startswith("/openai/") and rest.split("/")[0] in _PARTS

    def _answer(self, request: Request) -> Reply:
        require_key(request)
        rest = below(request)
        match (request.method, rest.split("/")):
            case ("POST", ["files"]):
                return self._upload(request)
            case ("GET", ["files"]):
                data = [self._told(name) for name in self._about if name in self._files]
                return json_reply(200, (), {"object": "list", "data": data, "has_more": False})
            case ("GET", ["files", name]):
                self._file(name)
                return self._looked_at(name)
            case ("POST", ["batches"]):
                versioned = request.path.startswith("/openai/v1/")
                self._check(request, "/v1/chat/completions" if versioned else "/chat/completions")
            case ("GET", ["batches"]):
                return self._page(request)
        return super()._answer(replace(request, target=f"/v1/{rest}"))

    def _upload(self, request: Request) -> Reply:
        form, control = read_form(request), self.batches.control
        if form.purpose != "batch" or not form.filename.endswith(".jsonl"):
            raise ApiError(400, "invalid_request_error", "The file is not for batches.")
        if len(self._files) >= FILES_MAX:
            raise ApiError(400, "invalid_request_error", f"There may be {FILES_MAX} files.")
        name = self._keep(form.content)
        spoilt, control.spoilt = control.spoilt, False
        self._about[name] = _File(form.filename, len(form.content), spoilt)
        if control.unheard_upload:
            control.unheard_upload = False
            return silent_reply(Ending.RESET)
        return json_reply(201, (), self._told(name))

    def _looked_at(self, name: str) -> Reply:
        told, control = self._told(name), self.batches.control
        control.unprocessed = max(0, control.unprocessed - 1)
        return json_reply(200, (), told)

    def _status(self, name: str) -> str:
        """Return the status of a file; those of results are processed."""
        file = self._about.get(name)
        if file is not None and self.batches.control.unprocessed:
            return "pending"
        return "error" if file is not None and file.spoilt else "processed"

    def _told(self, name: str) -> dict[str, Any]:
        size = len(self._files[name])
        file = self._about.get(name) or _File("results.jsonl", size, spoilt=False)
        return {
            "id": name,
            "object": "file",
            "bytes": file.size,
            "purpose": "batch" if name in self._about else "batch_output",
            "filename": file.filename,
            "status": self._status(name),
            "created_at": file.created_s,
        }

    def _check(self, request: Request, endpoint: str) -> None:
        """Check what is checked before a batch is made."""
        wanted = json.loads(request.body)
        file = wanted["input_file_id"]
        if file not in self._files or self._status(file) != "processed":
            raise ApiError(400, "invalid_request_error", f"The file {file} is not processed.")
        if wanted["completion_window"] != "24h" or wanted["endpoint"] != endpoint:
            raise ApiError(400, "invalid_request_error", "The endpoint or window is none.")

    def _make(self, request: Request) -> Batch:
        made = super()._make(request)
        fault = _fault(made)
        if fault is not None and not made.ended:
            self._fail(made, *fault)
        for line in made.lines:
            line.url = "/openai/v1/chat/completions"
            line.body = {**line.body, "model": line.body["model"].removesuffix(BATCH)}
        return made

    def _page(self, request: Request) -> Reply:
        query = parse_qs(request.target.partition("?")[2])
        batches = self.batches.newest()
        names = [each.id for each in batches]
        begin = names.index(query["after"][0]) + 1 if "after" in query else 0
        end = begin + min(int(query.get("limit", [str(PAGE_USUAL)])[0]), PAGE_MAX)
        data = [self._document(each) for each in batches[begin:end]]
        return json_reply(200, (), {"object": "list", "data": data, "has_more": end < len(batches)})

    def _document(self, batch: Batch) -> dict[str, Any]:
        """Tell of a batch: without metadata, and in other words while it is checked."""
        told = super()._document(batch) | {"metadata": None}
        if batch.ended:
            # There is a file of failures also when there are none.
            if batch.ended == "completed" and "errors" not in batch.about:
                batch.about["errors"] = self._keep(b"")
            return told | {"error_file_id": batch.about.get("errors")}
        told["created_at"] = datetime.fromtimestamp(batch.created_s, UTC).isoformat()
        counts = dict.fromkeys(("total", "completed", "failed"))
        return told | {"status": "Validating", "request_counts": counts}


def _fault(batch: Batch) -> tuple[str, str] | None:
    """Return what is wrong with a batch as a whole: code and message."""
    names = [line.custom_id for line in batch.lines]
    if not names:
        return "empty_batch", "The batch has no lines."
    if len(set(names)) < len(names):
        return "duplicate_custom_id", "A custom_id is there twice."
    if any(line.url != batch.about["endpoint"] for line in batch.lines):
        return "url_mismatch", "The URL of a line is not the endpoint."
    return _unfit(batch.lines[0])


def _unfit(line: Line) -> tuple[str, str] | None:
    """Return what is wrong with the deployment that a line names."""
    name = line.body["model"]
    if find_model(ProviderName.OPENAI, name.removesuffix(BATCH)) is None:
        return "model_not_found", f"There is no deployment {name}."
    if not name.endswith(BATCH):
        return "invalid_request", f"The deployment {name} is not of the type GlobalBatch."
    return None
