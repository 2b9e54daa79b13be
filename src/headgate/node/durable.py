"""A worker and its disk: who waits for it, and what becomes of a worker whose disk fails."""

import asyncio
import sys
import time
from pathlib import Path

from headgate.app import journal_name
from headgate.gateway.pipeline import Pipeline
from headgate.node.paths import journal_root
from headgate.store.disk import Disk
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter
from headgate.store.place import node_id

LOOK_MS = 20


def open_journal(data_dir: Path, worker: str, epoch: str, disk: Disk) -> JournalWriter:
    """Begin a worker's journal.

    Raises:
        JournalError: There is no room for it.
    """
    path = journal_root(data_dir) / journal_name(worker, epoch, node_id(data_dir))
    return JournalWriter(path, worker=worker, epoch=epoch, at_ns=time.time_ns(), disk=disk)


def journal_syncs(journal: JournalWriter, disk: Disk) -> JournalSync | None:
    """Return what has holds wait for the disk; None in the class in which they do not."""
    if disk.durability != "power":
        return None
    loop = asyncio.get_running_loop()
    return JournalSync(journal, disk, soon=loop.call_soon, back=loop.call_soon_threadsafe)


async def see_out_failed(pipeline: Pipeline, stop: asyncio.Event) -> None:
    """Let running calls finish, within their time, while new ones are refused by name.

    What is written of them is read by the steward at once and kept in its store, which is synced
    for itself. Then the worker ends: its successor begins a new journal.
    """
    name = pipeline.world.journal.name
    sys.stderr.write(f"headgate worker: the disk has refused the journal {name}; it is ended.\n")
    for _ in range(pipeline.edge.drain_timeout_ms // LOOK_MS):
        if stop.is_set() or not pipeline.exchanges:
            break
        await asyncio.sleep(LOOK_MS / 1000)
