"""Responses that providers keep, asked by workers: which deployment made one, and for whom."""

import msgspec

from headgate.dialects.kept_responses import SPOKEN, UNKNOWN
from headgate.ledger.store_responses import find_response, made_by
from headgate.node.control.registry import Desk, refused
from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Return a deployment's id; nobody learns of the responses of another principal.

    The body has the delegations of who asks, as a list.
    """
    chain = msgspec.json.decode(request.body, type=tuple[str, ...])
    # It may have been made a moment ago.
    desk.fold()
    with desk.reading.connect() as connection:
        made = made_by(request.name, SPOKEN)
        deployment = find_response(connection, made, request.principal, chain)
    if deployment is None:
        return refused(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=request.name[:128]))
    return ControlReply(200, deployment)
