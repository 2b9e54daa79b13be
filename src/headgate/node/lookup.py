"""Looks a call up for a client of the data plane: its own principal's calls only."""

import msgspec
from sqlalchemy import Connection

from headgate.insights.calls import open_call
from headgate.insights.views import call_view


def find_call(connection: Connection, call: str, principal: str) -> str | None:
    """Return a call as JSON text, None when this principal has made no such call.

    It is `{"call": ..., "attempts": [...]}` with the objects that `headgate calls --json` prints.
    """
    opened = open_call(connection, call)
    if opened is None or any(row.principal != principal for row in opened.rows):
        return None
    attempts = [call_view(row) for row in opened.rows]
    return msgspec.json.encode({"call": call, "attempts": attempts}).decode()
