"""Anthropic's message batches."""

import json
from datetime import UTC, datetime
from typing import Any

from headgate.simulator.batches import Batch, BatchControl, Batches, Line, Run, unheard
from headgate.simulator.dialect import ApiError
from headgate.simulator.replies import Reply, body_reply, json_reply
from headgate.simulator.server import Request

PATH = "/v1/messages/batches"


class AnthropicBatches:
    """Answers for them."""

    def __init__(self, control: BatchControl, run: Run) -> None:
        self.batches = Batches(control, run, "msgbatch_up")

    def handles(self, request: Request) -> bool:
        """Tell whether a request is for one of them."""
        return request.path.startswith(PATH)

    def reply(self, request: Request) -> Reply:
        """Answer a request.

        Raises:
            ApiError: It is refused.
        """
        match (request.method, request.path.split("/")[4:]):
            case ("POST", []):
                return self._create(request)
            case ("GET", []):
                data = [self._document(self.batches.look(each)) for each in self.batches.newest()]
                page = {"data": data, "has_more": False, "first_id": None, "last_id": None}
                return json_reply(200, (), page)
            case ("GET", [name]):
                return json_reply(200, (), self._document(self.batches.look(self._batch(name))))
            case ("POST", [name, "cancel"]):
                batch = self._batch(name)
                batch.cancelled = not batch.ended
                return json_reply(200, (), self._document(batch))
            case ("GET", [name, "results"]):
                lines = b"".join(_result(line) for line in self._batch(name).lines)
                return body_reply(200, (("content-type", "application/x-jsonl"),), lines)
        raise ApiError(404, "not_found_error", "Not Found")

    def _batch(self, name: str) -> Batch:
        if name not in self.batches.made:
            raise ApiError(404, "not_found_error", f"There is no batch {name}.")
        return self.batches.made[name]

    def _create(self, request: Request) -> Reply:
        rows = json.loads(request.body)["requests"]
        lines = [Line(row["custom_id"], "/v1/messages", row["params"]) for row in rows]
        made = self.batches.add(lines, request, {})
        if self.batches.control.lost:
            return unheard(self.batches.control)
        return json_reply(200, (), self._document(made))

    def _document(self, batch: Batch) -> dict[str, Any]:
        count = self.batches.count
        errored = sum(line.status not in (0, 200) for line in batch.lines)
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if batch.ended else "in_progress",
            "request_counts": {
                "processing": 0 if batch.ended else len(batch.lines),
                "succeeded": count(batch, 200),
                "errored": errored,
                "canceled": count(batch, ending="canceled"),
                "expired": count(batch, ending="expired"),
            },
            "created_at": datetime.fromtimestamp(batch.created_s, UTC).isoformat(),
            "results_url": f"{PATH}/{batch.id}/results" if batch.ended else None,
        }


def _result(line: Line) -> bytes:
    result: dict[str, Any] = {"type": line.ending}
    if line.status == 200:
        result = {"type": "succeeded", "message": line.document}
    elif line.status:
        result = {"type": "errored", "error": line.document}
    return json.dumps({"custom_id": line.custom_id, "result": result}).encode() + b"\n"
