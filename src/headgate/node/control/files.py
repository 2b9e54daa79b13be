"""Files of batches, asked by workers: whose they are, and where their bytes lie.

KEEP, GET, LOCATE (by id), LIST, DELETE
"""

import msgspec

from headgate.ledger import store_batches
from headgate.ledger.store_batches import Page
from headgate.node.control.registry import Desk, refused
from headgate.records.batch import StoredFile
from headgate.records.control import ControlReply, ControlRequest, Listing
from headgate.units import errors

BYTES_MAX = 1 << 30
"""All files of a principal together."""


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Answer what is asked; nobody learns of the files of another principal."""
    if request.method == "KEEP":
        return _keep(request, desk)
    if request.method == "LIST":
        listing = msgspec.json.decode(request.body, type=Listing)
        with desk.reading.connect() as connection:
            page = Page(listing.limit, listing.after)
            found = store_batches.list_files(connection, request.principal, page, desk.now_ns())
        return ControlReply(200, msgspec.json.encode(found).decode())
    with desk.reading.connect() as connection:
        file = store_batches.find_file(connection, request.name)
    over = file is None or file.expires_ns <= desk.now_ns()
    if file is None or over or file.principal != request.principal:
        return _unknown(request)
    if request.method == "DELETE":
        with desk.engine.begin() as connection:
            store_batches.forget_file(connection, file.id)
        if file.node == desk.keeper.source.node:
            desk.keeper.root.parent.joinpath("files", file.id).unlink(missing_ok=True)
    if request.method == "LOCATE":
        path = desk.keeper.root.parent / "files" / file.id
        if file.node != desk.keeper.source.node or not path.exists():
            message = f"The file {file.id} lies at another node, or is gone."
            return refused(errors.FILE_UNKNOWN, message)
        return ControlReply(200, str(path))
    return _shown(file)


def _keep(request: ControlRequest, desk: Desk) -> ControlReply:
    file = msgspec.json.decode(request.body, type=StoredFile)
    file = msgspec.structs.replace(file, node=desk.keeper.source.node)
    with desk.engine.begin() as connection:
        used = store_batches.bytes_of(connection, request.principal)
        if used + file.size > BYTES_MAX:
            message = f"Your files have {used} of {BYTES_MAX} bytes already; delete some."
            return refused(errors.FILES_FULL, message)
        store_batches.keep_file(connection, file)
    return _shown(file)


def _shown(file: StoredFile) -> ControlReply:
    return ControlReply(200, msgspec.json.encode(file).decode())


def _unknown(request: ControlRequest) -> ControlReply:
    return refused(errors.FILE_UNKNOWN, f"This key has no file {request.name[:64]!r}.")
