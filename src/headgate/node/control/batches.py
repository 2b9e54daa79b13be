"""Batches, asked by workers: held, shown, cancelled; `node/batching.py` does the rest.

OPEN, GET, CANCEL, DELETE (by id), LIST, AGAIN (by idempotency key)
"""

import msgspec

from headgate.ledger import store_batches
from headgate.ledger.allotments import Allotment
from headgate.ledger.store_batches import Page
from headgate.node import batch_repeats
from headgate.node.batch_repeats import Ruling
from headgate.node.control.registry import Desk, refused
from headgate.node.running import too_little
from headgate.records.batch import Batch
from headgate.records.control import ControlReply, ControlRequest, Listing, Named, Opening
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.units import errors
from headgate.units.money import format_usd

OPEN_MAX = 100
"""So many batches of a principal may be under way."""


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Answer what is asked; nobody learns of the batches of another principal."""
    if request.method == "OPEN":
        return _open(msgspec.json.decode(request.body, type=Opening), desk)
    if request.method == "LIST":
        listing = msgspec.json.decode(request.body, type=Listing)
        page = Page(listing.limit, listing.after)
        with desk.reading.connect() as connection:
            found = store_batches.list_batches(connection, request.principal, listing.wire, page)
        return ControlReply(200, msgspec.json.encode(found).decode())
    if request.method == "AGAIN":
        return _again(request, desk)
    with desk.engine.begin() as connection:
        hold_lock(connection, store_batches.LOCK)
        batch = store_batches.find_batch(connection, request.name)
        if batch is None or batch.principal != request.principal:
            return refused(errors.BATCH_UNKNOWN, f"This key has no batch {request.name[:64]!r}.")
        if request.method == "DELETE":
            if batch.stage != "settled":
                return refused(errors.BATCH_RUNNING, f"{batch.id} has not ended; cancel it.")
            store_batches.forget_batch(connection, batch.id)
        if request.method == "CANCEL" and batch.stage != "settled" and batch.cancel_ns is None:
            batch = msgspec.structs.replace(batch, cancel_ns=desk.now_ns())
            store_batches.change_batch(connection, batch)
            event = Event(request.principal, "batch.cancelled", f"batch:{batch.id}", {})
            audit.append(connection, event, desk.now_ns())
    return _shown(batch)


def _again(request: ControlRequest, desk: Desk) -> ControlReply:
    """Tell of the batch that was made under a key; nothing where it is free."""
    named = msgspec.json.decode(request.body, type=Named)
    with desk.engine.begin() as connection:
        hold_lock(connection, store_batches.LOCK)
        made = batch_repeats.made_before(connection, named, request.principal, _ruling(desk))
    return ControlReply(200, "") if made is None else _told(made)


def _open(opening: Opening, desk: Desk) -> ControlReply:
    """Hold all that a batch can cost, on every budget above it, or keep nothing of it."""
    batch = msgspec.structs.replace(opening.batch, node=desk.keeper.source.node)
    # First the batch, then its money: what a crash leaves in between is forgotten, whole.
    kept = _keep(batch, opening, desk)
    if kept is not None:
        return kept
    while True:
        allotment = Allotment(
            batch.window, batch.hold_nanos, batch.parents, "", (), f"batch:{batch.principal}"
        )
        short = next(iter(desk.keeper.carve([allotment], desk.now_ns())), None)
        if short is None:
            return _shown(batch)
        if short.above not in opening.shadows:
            break
        left = tuple(window for window in batch.parents if window != short.above)
        waived = (*batch.waived, short.above)
        batch = msgspec.structs.replace(batch, parents=left, waived=waived)
        with desk.engine.begin() as connection:
            hold_lock(connection, store_batches.LOCK)
            store_batches.change_batch(connection, batch)
    with desk.engine.begin() as connection:
        batch_repeats.forget(connection, batch)
    desk.lacking.append(short.above)
    budget, left_usd = short.above.partition("@")[0], format_usd(max(0, short.left_nanos))
    message = (
        f"Budget {budget!r} refuses: this batch may cost up to ${format_usd(batch.hold_nanos)}"
        f" and ${left_usd} is left. Lower output limits, or fewer lines, make it cheaper."
    )
    return refused(too_little(desk, short, allotment), message)


def _keep(batch: Batch, opening: Opening, desk: Desk) -> ControlReply | None:
    """Keep a batch that is to be held; return what is answered instead where it is not."""
    by = _ruling(desk)
    with desk.engine.begin() as connection:
        hold_lock(connection, store_batches.LOCK)
        if opening.named is not None:
            made = batch_repeats.made_before(connection, opening.named, batch.principal, by)
            if made is not None:
                return _told(made)
        mine = [
            each
            for each in store_batches.open_batches(connection, batch.node)
            if each.principal == batch.principal and each.id != batch.id
        ]
        if len(mine) >= OPEN_MAX:
            return refused(errors.OVERLOADED, f"{OPEN_MAX} batches of yours are under way.")
        return batch_repeats.keep(connection, batch, opening.named, by)


def _ruling(desk: Desk) -> Ruling:
    return Ruling(desk.keeper.source.node, desk.snapshot.idempotency, desk.now_ns())


def _told(made: Batch | ControlReply) -> ControlReply:
    return _shown(made) if isinstance(made, Batch) else made


def _shown(batch: Batch) -> ControlReply:
    return ControlReply(200, msgspec.json.encode(batch).decode())
