"""Batches under way: handed over, asked after, settled; the steward's part.

What a batch can cost is an allotment from before it is handed over until its lines are in the
books, whatever dies in between. No time ends it: a batch of which nothing can be learned stays
held.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from headgate.dial.fetch import FetchError
from headgate.dialects.batches.carriers.registry import Carrier, carriers
from headgate.dialects.batches.registry import wires
from headgate.dialects.batches.steps import Look, PendingError, RejectedError
from headgate.gateway.batching.making import CONTENT_FILE
from headgate.ledger import store_batch_keys, store_batches
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_repeats import NANOS_PER_HOUR
from headgate.node import batch_repeats
from headgate.node.batch_asking import Asker
from headgate.node.batch_settling import Settling, settle
from headgate.node.rules import Rules
from headgate.node.sources import CredentialError
from headgate.node.troubles import Troubles
from headgate.records.batch import Batch, Counts
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.units.errors import StoreError
from headgate.units.money import format_usd

LOOK_S = 0.5
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0
"""A batch is asked after so long after the last time, at first; each time later, up to the end."""
LATER = 1.5
AT_ONCE_MAX = 4
SWEEP_S = 60.0
UNOPENED_S = 3_600
"""What a worker has written down and never opened is deleted after so long."""

NOT_SENT = Look("", Counts())

_log = logging.getLogger(__name__)


class Keeping(Protocol):
    """Whoever keeps the books."""

    engine: Engine
    keeper: Keeper
    rules: Rules
    root: Path


async def batch_always(steward: Keeping) -> None:
    """Take batches on for ever; ends only with an error of the store."""
    batching = Batching(steward)
    while True:
        batching.look()
        await asyncio.sleep(LOOK_S)


class Batching:
    """The batches of this node that are not settled."""

    def __init__(self, steward: Keeping) -> None:
        self._steward = steward
        self._node = steward.keeper.source.node
        self._folder = steward.root.parent
        self._asker = Asker(lambda: steward.rules.snapshot)
        self._wires, self._carriers = wires(), carriers()
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        self._due: dict[str, tuple[float, float]] = {}
        self._troubles = Troubles(_log)
        self._swept_s = 0.0

    def look(self) -> None:
        """Take on those that are due.

        Raises:
            Exception: What a batch met that no provider is to blame for.
        """
        now_s = time.monotonic()
        for name, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[name]
                _, wait_s = self._due.pop(name, (now_s, AGAIN_S))
                wait_s = AGAIN_S if task.result() else min(wait_s * LATER, AGAIN_MAX_S)
                self._due[name] = (now_s + wait_s, wait_s)
        if now_s >= self._swept_s:
            self._swept_s = now_s + SWEEP_S
            self._sweep()
        with self._steward.engine.connect() as connection:
            batches = store_batches.open_batches(connection, self._node)
        for name in self._due.keys() - {each.id for each in batches}:
            del self._due[name]
        self._troubles.keep({_named(each) for each in batches})
        for batch in batches:
            due_s, wait_s = self._due.setdefault(batch.id, (now_s, AGAIN_S))
            if batch.cancel_ns is not None and not batch.told_cancel:
                due_s = min(due_s, due_s - wait_s + AGAIN_S)
            free = len(self._tasks) < AT_ONCE_MAX and batch.id not in self._tasks
            if free and now_s >= due_s:
                self._tasks[batch.id] = asyncio.create_task(self._take_on(batch))

    async def _take_on(self, batch: Batch) -> bool:
        """Take a batch one step on; returns whether it went on."""
        try:
            went_on = await self._step(batch, self._carriers[batch.carrier or batch.wire])
        except (StoreError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 - what one provider says stops no other's books
            # It is taken on again later; what it holds stays held.
            told = f"{type(error).__name__}: {error}"
            self._troubles.met(_named(batch), _kind_of(error), told)
            return False
        self._troubles.over(_named(batch))
        return went_on

    async def _step(self, batch: Batch, carrier: Carrier) -> bool:
        if batch.window not in self._steward.keeper.allotments:
            # A crash came between the batch and its money: nothing was held, nothing is sent.
            self._write(lambda connection: batch_repeats.forget(connection, batch))
            return True
        if batch.stage == "sending":
            return await self._find(batch, carrier)
        if batch.stage == "opened":
            if batch.cancel_ns is not None:
                return await self._settle(batch, carrier, NOT_SENT._replace(ended="cancelled"))
            return await self._send(batch, carrier)
        if batch.cancel_ns is not None and not batch.told_cancel:
            await self._asker.run(batch.provider, carrier, partial(carrier.cancel, batch))
            batch = self._change(batch, told_cancel=True)
        look = await self._asker.run(batch.provider, carrier, partial(carrier.look, batch))
        if look.ended is not None:
            return await self._settle(batch, carrier, look)
        if look.counts != batch.counts:
            self._change(batch, counts=look.counts)
        return False

    async def _send(self, batch: Batch, carrier: Carrier) -> bool:
        """Hand a batch over: first what it is made of, and when that is ready, itself."""
        try:
            if not batch.upstream_files:
                batch = await self._upload(batch, carrier)
            await self._asker.run(batch.provider, carrier, partial(carrier.ready, batch))
        except PendingError:
            return False
        except RejectedError as error:
            if not error.final:
                raise
            return await self._refused(batch, carrier, error)
        return await self._create(batch, carrier)

    async def _content(self, batch: Batch) -> bytes:
        path = self._folder / "batches" / batch.id / CONTENT_FILE
        return await asyncio.to_thread(path.read_bytes)

    async def _upload(self, batch: Batch, carrier: Carrier) -> Batch:
        """Upload what a batch is made of, and write down as what, before it is made."""
        steps = partial(carrier.upload, batch, await self._content(batch))
        batch = self._change(batch, sending_ns=batch.sending_ns or time.time_ns())
        files = await self._asker.run(batch.provider, carrier, steps)
        return self._change(batch, upstream_files=files) if files else batch

    async def _create(self, batch: Batch, carrier: Carrier) -> bool:
        """Have a batch made; from the first byte on the provider may have it."""
        steps = partial(carrier.create, batch, await self._content(batch))
        batch = self._change(batch, stage="sending")
        try:
            upstream = await self._asker.run(batch.provider, carrier, steps)
        except RejectedError as error:
            if error.final:
                return await self._refused(batch, carrier, error)
            if not error.doubtful:
                self._change(batch, stage="opened")
            raise
        except CredentialError:
            self._change(batch, stage="opened")
            raise
        self._change(batch, stage="sent", upstream=upstream)
        return True

    async def _refused(self, batch: Batch, carrier: Carrier, error: RejectedError) -> bool:
        look = NOT_SENT._replace(ended="failed", error=str(error))
        return await self._settle(batch, carrier, look)

    async def _find(self, batch: Batch, carrier: Carrier) -> bool:
        """Find out whether a provider has a batch of which nobody heard whether it took it."""
        upstream = await self._asker.run(batch.provider, carrier, partial(carrier.find, batch))
        if upstream is None:
            self._change(batch, stage="opened", upstream_files=())
        else:
            self._change(batch, stage="sent", upstream=upstream)
        return True

    async def _settle(self, batch: Batch, carrier: Carrier, look: Look) -> bool:
        results: list[bytes] = []
        if batch.stage == "sent":
            steps = partial(carrier.results, batch, look)
            results = await self._asker.run(batch.provider, carrier, steps)
        now_ns = time.time_ns()
        snapshot = self._steward.rules.snapshot
        wire = self._wires[batch.wire]
        settling = Settling(batch, wire, carrier, snapshot, look, results, self._folder, now_ns)
        settled = await settle(settling, self._steward.keeper)
        batch = msgspec.structs.replace(
            self._newest(batch),
            stage="settled",
            ended_ns=now_ns,
            ending=look.ended or "",
            error=look.error,
            counts=settled.counts,
            posted_nanos=settled.posted_nanos,
            output_file=settled.output_file,
            error_file=settled.error_file,
        )

        def write(connection: Connection) -> None:
            for file in settled.files:
                store_batches.keep_file(connection, file)
            store_batches.change_batch(connection, batch)
            detail = {"ending": batch.ending, "posted_usd": format_usd(batch.posted_nanos)}
            event = Event("steward", "batch.settled", f"batch:{batch.id}", {**detail})
            audit.append(connection, event, now_ns)

        self._write(write)
        await self._forget(batch, carrier)
        return True

    async def _forget(self, batch: Batch, carrier: Carrier) -> None:
        """Leave nothing behind that is not needed; what cannot be deleted there stays there."""
        folder = self._folder / "batches" / batch.id
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        unheard = batch.upstream is None and batch.sending_ns is not None
        if batch.upstream_files or unheard:
            await self._asker.run(batch.provider, carrier, partial(carrier.forget, batch))

    def _newest(self, batch: Batch) -> Batch:
        with self._steward.engine.connect() as connection:
            return store_batches.find_batch(connection, batch.id) or batch

    def _change(self, batch: Batch, **changes: object) -> Batch:
        """Change a batch as it stands now: its client may have cancelled it meanwhile."""
        with self._steward.engine.begin() as connection:
            hold_lock(connection, store_batches.LOCK)
            newest = store_batches.find_batch(connection, batch.id) or batch
            changed = msgspec.structs.replace(newest, **changes)
            store_batches.change_batch(connection, changed)
        return changed

    def _write(self, write: Callable[[Connection], None]) -> None:
        with self._steward.engine.begin() as connection:
            hold_lock(connection, store_batches.LOCK)
            write(connection)

    def _sweep(self) -> None:
        """Delete files and keys whose time is over, and what batches left that never were."""
        now_ns = time.time_ns()
        keep_hours = self._steward.rules.snapshot.idempotency.keep_hours
        with self._steward.engine.begin() as connection:
            hold_lock(connection, store_batches.LOCK)
            store_batch_keys.forget_keys(connection, now_ns - keep_hours * NANOS_PER_HOUR)
            old = store_batches.files_over(connection, self._node, now_ns)
            for name in old:
                store_batches.forget_file(connection, name)
            known = {each.id for each in store_batches.open_batches(connection, self._node)}
        for name in old:
            (self._folder / "files" / name).unlink(missing_ok=True)
        folders = self._folder / "batches"
        for folder in folders.iterdir() if folders.exists() else ():
            if folder.name not in known and time.time() - folder.stat().st_mtime > UNOPENED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _kind_of(error: Exception) -> str:
    """Return what an error is the same in when it is met again, whatever words a provider has."""
    if isinstance(error, RejectedError):
        return f"status {error.status}"
    # Our own words are the same each time.
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, FetchError | CredentialError) else name


def _named(batch: Batch) -> str:
    """Return what the log calls a batch."""
    return f"batch {batch.id} at {batch.provider}"
