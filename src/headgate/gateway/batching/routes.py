"""The paths of batches and files: who asks is known, what is asked is their own.

Whatever needs the steward or the disk is a task of its own; no call waits for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from headgate.dialects.batches.carriers.registry import carriers
from headgate.dialects.batches.files import file_document, page_of
from headgate.dialects.batches.registry import BatchWire, wires
from headgate.dialects.body import TOO_DEEP
from headgate.gateway.asides import JSON, Answer, Asides, send
from headgate.gateway.batching import forms, repeating
from headgate.gateway.batching.desk import Desk
from headgate.gateway.batching.making import Maker
from headgate.gateway.entry import refuse_coding
from headgate.gateway.refusals import stranger
from headgate.records.batch import LINES_BYTES_MAX, Batch, StoredFile
from headgate.records.control import Listing
from headgate.store.private import write_private
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.client.request import Head, Request
    from headgate.gateway.pipeline import Pipeline

FILES = "/v1/files"
PAGE_USUAL, PAGE_MAX = 20, 100
LINES = b"application/x-jsonl"

NO_DELEGATION = Refusal(
    errors.NOT_PERMITTED,
    "A delegation has no batches and files: their money is held for longer than it lasts.",
)


class BatchRoutes:
    """Answers for the paths of batches and files.

    Args:
        pipeline: The worker's.
        folder: The data directory, None where there is none: then nothing is served here.
    """

    def __init__(self, pipeline: Pipeline, folder: Path | None) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._wires = sorted(wires().values(), key=lambda wire: -len(wire.PATH))
        self._carriers = carriers()
        self._asides = Asides()

    def takes(self, head: Head) -> bool:
        """Tell whether a request is for a path of batches or files.

        Those of clients that sign their requests for another dialect are others, below the same.
        """
        if self._folder is None or (found := self._place(head.path)) is None:
            return False
        signs = {each.SIGN for each in self._pipeline.world.dialects.values()}
        signs.discard(self._spoken(found[1]).SIGN)
        return signs.isdisjoint(name for name, _ in head.forwarded)

    def paths(self) -> list[str]:
        """Return what is served here."""
        return [] if self._folder is None else [FILES, *(wire.PATH for wire in self._wires)]

    def _place(self, path: bytes) -> tuple[str, BatchWire | None] | None:
        """Return the first part of a path, and its wire; None in place of one for files."""
        text = path.decode("latin-1")
        for wire in self._wires:
            if text == wire.PATH or text.startswith(wire.PATH + "/"):
                return wire.PATH, wire
        return (FILES, None) if text == FILES or text.startswith(FILES + "/") else None

    def answer(self, client: ClientConnection, request: Request) -> None:
        """Answer a request for such a path; its body may be let go of when this returns."""
        body = request.body()
        self._pipeline.buffer(len(body))
        self._asides.begin(client, self._serve(client, request, body))

    async def _serve(self, client: ClientConnection, request: Request, body: bytes) -> None:
        found = self._place(request.head.path)
        assert found is not None
        base, wire = found
        rest = request.head.path.decode("latin-1").removeprefix(base).strip("/").split("/")
        try:
            if request.credential is None:
                key = request.head.key
                answer: Answer | Refusal = stranger(self._pipeline.world.directory, key)
            elif request.credential.delegation is not None:
                answer = NO_DELEGATION
            elif (encoded := refuse_coding(request.head)) is not None:
                answer = encoded
            elif wire is None:
                answer = await self._file(request, rest, body)
            else:
                answer = await self._batch((client, request, wire), rest, body)
        except OSError as error:
            message = f"The disk fails: {error.strerror}."
            answer = Refusal(errors.UPLOAD_UNSPOOLED, message, None, 5)
        except RecursionError:
            # It could be read, and not be looked into.
            answer = TOO_DEEP
        finally:
            self._pipeline.unbuffer(len(body))
        send(client, request, self._spoken(wire), answer)

    async def _batch(
        self, asking: tuple[ClientConnection, Request, BatchWire], rest: list[str], body: bytes
    ) -> Answer | Refusal:
        _, request, wire = asking
        desk = self._desk(request)
        match (request.head.method, rest):
            case (b"POST", [""]):
                return await self._make(asking, desk, body)
            case (b"GET", [""]):
                return await self._list(request, desk, wire)
            case (b"GET", [name]):
                return _told(wire, await desk.batches("GET", name))
            case (b"POST", [name, "cancel"]):
                return _told(wire, await desk.batches("CANCEL", name))
            case (b"GET", [name, "results"]) if wire.DELETES:
                return await self._results(desk, name)
            case (b"DELETE", [name]) if wire.DELETES:
                done = await desk.batches("DELETE", name)
                if isinstance(done, Refusal):
                    return done
                return Answer(wire.render_deleted(name), JSON)
        below = ("cancel", "results") if wire.DELETES else ("cancel",)
        return _not_so(rest, below, deletes=wire.DELETES)

    async def _make(
        self, asking: tuple[ClientConnection, Request, BatchWire], desk: Desk, body: bytes
    ) -> Answer | Refusal:
        client, request, wire = asking
        assert self._folder is not None
        wanted = await asyncio.to_thread(wire.read, body)
        if isinstance(wanted, Refusal):
            return wanted
        known_by = await repeating.named(request.head, body)
        if isinstance(known_by, Refusal):
            return known_by
        before = await repeating.made_before(desk, known_by)
        if isinstance(before, Refusal):
            return before
        if before is not None:
            return _again(wire, before)
        taking = {kind: each for kind, each in self._carriers.items() if each.TAKES == wire.KIND}
        maker = Maker(self._pipeline, self._folder / "batches", wire, taking, desk)
        made = await maker.make(client, request, wanted, known_by)
        if isinstance(made, Refusal):
            return made
        return _again(wire, made.batch) if made.again else Answer(wire.render(made.batch), JSON)

    async def _list(self, request: Request, desk: Desk, wire: BatchWire) -> Answer | Refusal:
        listing = _listing(request, wire.KIND)
        if isinstance(listing, Refusal):
            return listing
        told = await desk.batches("LIST", "", msgspec.json.encode(listing).decode())
        if isinstance(told, Refusal):
            return told
        found = msgspec.json.decode(told, type=list[Batch])
        page = found[: listing.limit]
        return Answer(wire.render_list(page, has_more=len(found) > listing.limit), JSON)

    async def _results(self, desk: Desk, name: str) -> Answer | Refusal:
        told = await desk.batches("GET", name)
        if isinstance(told, Refusal):
            return told
        batch = msgspec.json.decode(told, type=Batch)
        if batch.stage != "settled":
            return Refusal(errors.BATCH_RUNNING, f"{name[:64]} has not ended.", None, 2)
        if batch.output_file is None:
            return Answer(b"", LINES)
        return await self._content(desk, batch.output_file)

    async def _content(self, desk: Desk, name: str) -> Answer | Refusal:
        where = await desk.files("LOCATE", name)
        if isinstance(where, Refusal):
            return where
        return Answer(await asyncio.to_thread(Path(where).read_bytes), LINES)

    async def _file(self, request: Request, rest: list[str], body: bytes) -> Answer | Refusal:
        desk = self._desk(request)
        match (request.head.method, rest):
            case (b"POST", [""]):
                return await self._upload(request, desk, body)
            case (b"GET", [""]):
                listing = _listing(request, "")
                if isinstance(listing, Refusal):
                    return listing
                told = await desk.files("LIST", "", msgspec.json.encode(listing).decode())
                if isinstance(told, Refusal):
                    return told
                found = msgspec.json.decode(told, type=list[StoredFile])
                documents = [file_document(each) for each in found[: listing.limit]]
                page = page_of(documents, has_more=len(found) > listing.limit)
                return Answer(msgspec.json.encode(page), JSON)
            case (b"GET", [name]):
                return _shown(await desk.files("GET", name))
            case (b"GET", [name, "content"]):
                return await self._content(desk, name)
            case (b"DELETE", [name]):
                done = await desk.files("DELETE", name)
                if isinstance(done, Refusal):
                    return done
                gone = {"id": name, "object": "file", "deleted": True}
                return Answer(msgspec.json.encode(gone), JSON)
        return _not_so(rest, ("content",), deletes=True)

    async def _upload(self, request: Request, desk: Desk, body: bytes) -> Answer | Refusal:
        uploaded = await asyncio.to_thread(forms.read, request.head.content_type, body)
        if isinstance(uploaded, Refusal):
            return uploaded
        if len(uploaded.content) > LINES_BYTES_MAX:
            message = f"A file may have {LINES_BYTES_MAX} bytes."
            return Refusal(errors.BODY_TOO_LARGE, message)
        world = self._pipeline.world
        file = StoredFile(
            id="file-" + world.next_call().partition("_")[2],
            node="",
            principal=desk.credential.principal,
            filename=uploaded.filename,
            purpose=uploaded.purpose,
            size=len(uploaded.content),
            created_ns=self._pipeline.now_ns(),
            kept_ns=uploaded.kept_ns,
        )
        assert self._folder is not None
        path = self._folder / "files" / file.id
        await asyncio.to_thread(write_private, path, uploaded.content)
        kept = await desk.files("KEEP", file.id, msgspec.json.encode(file).decode())
        if isinstance(kept, Refusal):
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return _shown(kept)

    def _desk(self, request: Request) -> Desk:
        assert request.credential is not None
        return Desk(self._pipeline.world.control, request.credential)

    def _spoken(self, wire: BatchWire | None) -> Dialect:
        dialects = self._pipeline.world.dialects.values()
        if wire is None:
            return next(each for each in dialects if each.SIGN is None)
        return next(each for each in dialects if each.KIND == wire.SPOKEN)


def _not_so(rest: list[str], below: tuple[str, ...], *, deletes: bool) -> Refusal:
    """Refuse a request for a path that takes another method, or that is none.

    Args:
        rest: The parts of the path behind that of batches or files.
        below: What stands below one of them.
        deletes: Whether one of them may be deleted.
    """
    match rest:
        case [""]:
            allow = "GET, HEAD, POST"
        case [_]:
            allow = "GET, HEAD, DELETE" if deletes else "GET, HEAD"
        case [_, part] if part in below:
            allow = "POST" if part == "cancel" else "GET, HEAD"
        case _:
            return Refusal(errors.PATH_UNKNOWN, "Nothing is kept below that path.")
    message = f"Use {allow} here."
    headers = ((b"allow", allow.encode()),)
    return Refusal(errors.METHOD_NOT_ALLOWED, message, headers=headers)


def _again(wire: BatchWire, batch: Batch) -> Answer:
    """Tell of a batch that was made before, as it stands now."""
    return Answer(wire.render(batch), JSON, repeating.REPLAYED)


def _told(wire: BatchWire, told: str | Refusal) -> Answer | Refusal:
    if isinstance(told, Refusal):
        return told
    return Answer(wire.render(msgspec.json.decode(told, type=Batch)), JSON)


def _shown(told: str | Refusal) -> Answer | Refusal:
    if isinstance(told, Refusal):
        return told
    document = file_document(msgspec.json.decode(told, type=StoredFile))
    return Answer(msgspec.json.encode(document), JSON)


def _listing(request: Request, wire: str) -> Listing | Refusal:
    query = parse_qs(request.head.query.decode("latin-1"))
    limit = query.get("limit", [str(PAGE_USUAL)])[0]
    if not limit.isdecimal() or not 1 <= int(limit[:9]) <= 10_000:
        return Refusal(errors.BODY_INVALID, f"limit is 1 to {PAGE_MAX}.", "limit")
    after = query.get("after", query.get("after_id", [None]))[0]
    return Listing(wire, min(int(limit), PAGE_MAX), after)
