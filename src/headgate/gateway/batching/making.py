"""A batch is made: its lines are read and quoted, written down, and all of it is held at once.

What goes to the provider lies on the disk before the steward holds the money; from there on the
steward alone hands it over, asks after it and settles it, whatever becomes of this process.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec

from headgate.dialects.batches.lines import Asked, Wanted
from headgate.gateway.batching.desk import STEWARD_GONE
from headgate.gateway.batching.permitting import Asking, Permitted, awaits_person, permitted
from headgate.gateway.batching.quoting import Place, Quoted, Read, places, quote, read
from headgate.ledger.allotments import batch_window
from headgate.providers.registry import batch_base_of, batches_of
from headgate.records.batch import Batch, BatchLine
from headgate.records.control import Named, Opening
from headgate.store.private import write_private
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.dialects.batches.carriers.registry import Carrier
    from headgate.dialects.batches.registry import BatchWire
    from headgate.dialects.registry import Dialect
    from headgate.gateway.batching.desk import Desk
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.client.request import Request
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.target import Target

LINES_FILE = "lines.json"
CONTENT_FILE = "content.jsonl"


class Made(NamedTuple):
    """A batch that there is now; `again`: it was made by another request with the same key."""

    batch: Batch
    again: bool


class Maker:
    """Makes one batch.

    Args:
        pipeline: The worker's.
        folder: Where batches lie.
        wire: In which format it comes.
        carriers: Those that take it, by kind.
        desk: Asks the steward for the client.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        folder: Path,
        wire: BatchWire,
        carriers: Mapping[str, Carrier],
        desk: Desk,
    ) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._wire = wire
        self._carriers = carriers
        self._desk = desk

    async def make(
        self,
        client: ClientConnection,
        request: Request,
        wanted: Wanted,
        known_by: Named | None,
    ) -> Made | Refusal:
        """Make a batch, or tell why not; nothing is held then.

        Args:
            client: Who asks.
            request: By what.
            wanted: What is read of it.
            known_by: What it is known by when it comes again, None without a key.
        """
        lines = await self._lines(wanted)
        if isinstance(lines, Refusal):
            return lines
        dialect = self._dialect(wanted.endpoint)
        found = await asyncio.to_thread(read, lines, dialect, one_model=self._wire.ONE_MODEL)
        if isinstance(found, Refusal):
            return found
        asking = Asking(self._pipeline, client, request, dialect, self._pipeline.world.next_call())
        permission = permitted(asking, found.first)
        if isinstance(permission, Refusal):
            return permission
        quoted = await self._quoted(asking, found, permission, wanted.endpoint)
        if isinstance(quoted, Refusal):
            return quoted
        for model in found.first:
            refusal = awaits_person(asking, permission, model, quoted.total_nanos)
            if refusal is not None:
                return refusal
        batch = self._batch(asking, permission, wanted, quoted)
        return await self._open(batch, quoted, known_by)

    def _dialect(self, endpoint: str) -> Dialect:
        wanted = self._wire.ENDPOINTS[endpoint]
        spoken = self._pipeline.world.dialects.values()
        return {each.KIND: each for each in spoken}[wanted]

    async def _lines(self, wanted: Wanted) -> list[Asked] | tuple[Asked, ...] | Refusal:
        if wanted.input_file is None:
            return wanted.lines
        known = await self._desk.files("LOCATE", wanted.input_file)
        if isinstance(known, Refusal):
            return known
        data = await asyncio.to_thread(Path(known).read_bytes)
        return await asyncio.to_thread(self._wire.read_lines, data, wanted.endpoint)

    async def _quoted(
        self, asking: Asking, found: Read, permission: Permitted, endpoint: str
    ) -> Quoted | Refusal:
        options = places(permission, self._carriers)
        if isinstance(options, Refusal):
            return options
        last: Quoted | Refusal | None = None
        for targets in options:
            place = self._place(asking, endpoint, targets)
            last = await asyncio.to_thread(quote, found, permission, place)
            if not isinstance(last, Refusal):
                break
        assert last is not None, "there is an option"
        return last

    def _place(self, asking: Asking, endpoint: str, targets: dict[str, Target]) -> Place:
        now_ns = self._pipeline.now_ns()
        target = next(iter(targets.values()))
        provider, kind = target.pool.provider, batches_of(target.kind)
        assert kind is not None, "it was chosen by it"
        carrier = self._carriers[kind]
        path = urlsplit(provider.base_url).path
        base, _ = batch_base_of(target.kind, path, provider.api_version)
        url = carrier.url(endpoint, base)
        return Place(carrier, asking.dialect, url, targets, asking.call, now_ns)

    def _batch(
        self, asking: Asking, permission: Permitted, wanted: Wanted, quoted: Quoted
    ) -> Batch:
        who = self._desk.credential
        name = self._wire.PREFIX + asking.call.partition("_")[2]
        return Batch(
            id=name,
            wire=self._wire.KIND,
            node="",
            call=asking.call,
            principal=who.principal,
            team=who.team,
            key=who.key,
            run=permission.run,
            tags=quoted.path.tags,
            window=batch_window(who.principal, name),
            parents=quoted.path.windows,
            above=quoted.path.above,
            waived=quoted.path.waived,
            terms=permission.contracts,
            provider=quoted.provider,
            carrier=quoted.carrier,
            endpoint=wanted.endpoint,
            input_file=wanted.input_file,
            metadata=wanted.metadata,
            output_kept_ns=wanted.output_kept_ns,
            lines=len(quoted.lines),
            hold_nanos=quoted.total_nanos,
            created_ns=self._pipeline.now_ns(),
        )

    async def _open(self, batch: Batch, quoted: Quoted, known_by: Named | None) -> Made | Refusal:
        folder = self._folder / batch.id
        await asyncio.to_thread(write_down, folder, quoted.lines, quoted.content)
        budgets = zip(quoted.path.windows, quoted.path.budgets, strict=True)
        shadows = tuple(window for window, budget in budgets if budget.mode != "hard")
        opening = msgspec.json.encode(Opening(batch, shadows, known_by)).decode()
        opened = await self._desk.batches("OPEN", batch.id, opening)
        if isinstance(opened, Refusal):
            if opened is not STEWARD_GONE:
                # The steward has said no. One that went away may have held it, and has the files.
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            return opened
        made = msgspec.json.decode(opened, type=Batch)
        if made.id != batch.id:
            # Another request with its key came first.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return Made(made, again=made.id != batch.id)


def write_down(folder: Path, lines: tuple[BatchLine, ...], content: bytes) -> None:
    """Put the lines of a batch where its steward finds them, on the disk."""
    write_private(folder / LINES_FILE, msgspec.json.encode(lines))
    write_private(folder / CONTENT_FILE, content)
