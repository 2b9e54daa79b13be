"""Idempotency keys: which call has one, and what a repeat is answered with; asked by workers."""

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from headgate.node.control.registry import Desk, refused
from headgate.records.control import ControlReply, ControlRequest
from headgate.records.repeats import Claim, Over
from headgate.units import errors

UNWRITTEN = "The keys of calls cannot be written down now."

_decode_claim = msgspec.json.Decoder(Claim).decode
_decode_over = msgspec.json.Decoder(Over).decode


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Claim a key for a call (`PUT`), or take down that a call is over (`DELETE`)."""
    settings = desk.snapshot.idempotency
    try:
        if request.method == "PUT":
            verdict = desk.repeats.claim(_decode_claim(request.body), settings, desk.now_ns())
            return ControlReply(200, msgspec.json.encode(verdict).decode())
        desk.repeats.over(_decode_over(request.body), settings)
    except SQLAlchemyError:
        # The file of keys is not the books: calls without a key go on.
        return refused(errors.LEDGER_UNAVAILABLE, UNWRITTEN)
    return ControlReply(200, "")
