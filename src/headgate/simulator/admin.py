"""The control surface of a simulator over HTTP: `/_sim/...` on each of its ports."""

import base64
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from headgate.simulator.backend import Shared
from headgate.simulator.bill import ENTRIES_MAX, as_decimal, as_ratio, entry_record
from headgate.simulator.faults import Fault
from headgate.simulator.pace import Pace
from headgate.simulator.received import Received
from headgate.simulator.replies import json_reply
from headgate.simulator.server import Exchange, Request

PREFIX = "/_sim/"
Record = TypeVar("Record", Fault, Pace, "_Release")


@dataclass(frozen=True, slots=True)
class _Release:
    """The body of a release; None lets all go and opens the gate."""

    count: int | None = None


class Admin:
    """Answers `bill`, `faults`, `skills`, `pace`, `received` and what is below `gate`."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer one request."""
        route = f"{request.method} {request.path.removeprefix(PREFIX)}"
        try:
            document = self._answer(route, request)
        except (msgspec.DecodeError, ValueError) as error:
            exchange.reply(json_reply(400, (), {"error": str(error)}))
            return
        if document is None:
            exchange.reply(json_reply(404, (), {"error": f"unknown route: {route}"}))
        else:
            exchange.reply(json_reply(200, (), document))

    def _answer(self, route: str, request: Request) -> dict[str, Any] | None:
        shared = self._shared
        body = request.body
        match route:
            case "POST faults":
                shared.faults.add(_decode(body, Fault))
            case "DELETE faults":
                shared.faults.clear()
            case "POST skills":
                shared.skills.set(msgspec.json.decode(body, type=dict[str, int]))
            case "POST pace":
                shared.pace = _decode(body, Pace)
            case "POST gate/close":
                shared.gate.close()
            case "POST gate/release":
                count = _decode(body or b"{}", _Release).count
                return {"released": shared.gate.release(count), **self._gate()}
            case "GET bill":
                return self._bill(_last(request.target))
        return self._state(route.partition(" ")[2].partition("/")[0])

    def _state(self, noun: str) -> dict[str, Any] | None:
        shared = self._shared
        match noun:
            case "faults":
                return {"faults": [asdict(fault) for fault in shared.faults.pending]}
            case "skills":
                return {"skills": shared.skills.all()}
            case "pace":
                return asdict(shared.pace)
            case "gate":
                return self._gate()
            case "received":
                return {"requests": [_received(entry) for entry in shared.received.all()]}
        return None

    def _gate(self) -> dict[str, Any]:
        gate = self._shared.gate
        return {"closed": gate.closed, "waiting": gate.waiting, "seen": gate.seen}

    def _bill(self, last: int) -> dict[str, Any]:
        bill = self._shared.bill
        total = bill.total
        return {
            "total": as_ratio(total),
            "total_decimal": as_decimal(total),
            "count": bill.count,
            "open": self._shared.generating,
            "requests": [entry_record(entry) for entry in bill.entries[-last:]],
        }


def _decode(body: bytes, kind: type[Record]) -> Record:
    """Read a record from JSON.

    Raises:
        msgspec.DecodeError: It is not JSON, or a field has the wrong type.
        ValueError: A field is unknown or out of range.
    """
    document = msgspec.json.decode(body, type=dict[str, Any])
    unknown = document.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    return msgspec.convert(document, kind)


def _last(target: str) -> int:
    """Return how many entries of the bill are wanted: `?last=N`, by default all."""
    query = parse_qs(target.partition("?")[2])
    last = int(query.get("last", [str(ENTRIES_MAX)])[0])
    if last < 1:
        raise ValueError("last must be at least 1")
    return last


def _received(entry: Received) -> dict[str, Any]:
    return {
        "provider": entry.provider,
        "method": entry.method,
        "target": entry.target,
        "headers": entry.headers,
        "body_base64": base64.b64encode(entry.body).decode(),
        "at_ns": entry.at_ns,
    }
