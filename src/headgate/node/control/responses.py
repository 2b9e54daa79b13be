"""Responses that providers keep, asked by workers: which deployment made one, and for whom."""

from collections.abc import Callable

import msgspec

from headgate.dialects.kept_responses import SPOKEN, UNKNOWN
from headgate.ledger.store_responses import made_by, makers
from headgate.node.control.registry import Desk, refused
from headgate.records.control import MAKER, ControlReply, ControlRequest
from headgate.records.makers import Maker
from headgate.units import errors


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Return a deployment's id; nobody learns of the responses of another principal.

    The body has the delegations of who asks, as a list. A worker that asks for the maker, on
    nobody's behalf, is told who that is.
    """
    name = request.name
    if request.method == MAKER:
        # One that was made long ago is the usual one: what was folded has it.
        maker = _find(name, desk, _any) or _find(name, desk, _any, fold=True)
        found = None if maker is None else msgspec.json.encode(maker).decode()
    else:
        chain = msgspec.json.decode(request.body, type=tuple[str, ...])
        own = _find(name, desk, lambda each: each.is_of(request.principal, chain), fold=True)
        found = None if own is None else own.deployment
    if found is None:
        return refused(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=name[:128]))
    return ControlReply(200, found)


def _any(_maker: Maker) -> bool:
    return True


def _find(
    name: str, desk: Desk, wanted: Callable[[Maker], bool], *, fold: bool = False
) -> Maker | None:
    """Return the newest maker that is wanted; `fold`: it may have been made a moment ago."""
    if fold:
        desk.fold()
    with desk.reading.connect() as connection:
        return next(filter(wanted, makers(connection, made_by(name, SPOKEN))), None)
