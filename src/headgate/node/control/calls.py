"""`GET /v1/calls/{id}`: what a call cost; its own principal's calls only."""

from typing import TypedDict

import msgspec

from headgate.insights.calls import open_call
from headgate.insights.contract import CallView
from headgate.insights.views import call_view
from headgate.node.control.registry import Desk, Served, refused
from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors


class Told(TypedDict):
    """The answer."""

    call: str
    attempts: list[CallView]


SERVED = (Served("GET", "call", "Tell what a call cost.", None, Told, (errors.CALL_UNKNOWN,)),)


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Return `{"call": ..., "attempts": [...]}` with objects as `headgate calls --json` prints."""
    desk.fold()
    with desk.reading.connect() as connection:
        opened = open_call(connection, request.name)
    if opened is None or any(row.principal != request.principal for row in opened.rows):
        missing = f"This key has made no call {request.name[:128]!r}."
        return refused(errors.CALL_UNKNOWN, missing)
    attempts = [call_view(row) for row in opened.rows]
    body = msgspec.json.encode({"call": request.name, "attempts": attempts})
    return ControlReply(200, body.decode())
