"""Group sync: holds wait together until the journal is on the disk, and nobody else waits.

One sync runs at a time, on a thread of its own. Whatever was written before it began is on the
disk when it ends; what is written meanwhile waits for the next one. So under load a sync carries
as many holds as came while the one before it ran.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from headgate.store.disk import Disk
from headgate.store.journal_writer import JournalWriter, Unsynced

Resume = Callable[[bool], None]
"""Called once, in the event loop: with whether what waited for it is on the disk."""

Soon = Callable[[Callable[[], None]], object]
"""The event loop's `call_soon`, or the one that other threads may call."""


class JournalSync:
    """Syncs a worker's journal for the holds that wait for it.

    Args:
        journal: The worker's own.
        disk: What syncs.
        soon: Calls back in the event loop at the end of this turn of it.
        back: Calls back there from another thread.

    Attributes:
        busy: Whether a sync runs, or will at the end of this turn.
        syncs: How many there were.
        waits: How many holds waited for them.
    """

    def __init__(self, journal: JournalWriter, disk: Disk, *, soon: Soon, back: Soon) -> None:
        self._journal = journal
        self._disk = disk
        self._soon = soon
        self._back = back
        self._waiting: list[Resume] = []
        self.busy = False
        self._thread = ThreadPoolExecutor(1, "journal-sync")
        self.syncs = self.waits = 0

    def wait(self, resume: Resume) -> None:
        """Have a hold wait that was just written."""
        self.waits += 1
        self._waiting.append(resume)
        self._begin()

    def sweep(self) -> None:
        """Sync what nobody waits for: settlements since the last sync, and new segments."""
        if self._journal.dirty and not self._journal.failed:
            self._begin()

    def _begin(self) -> None:
        if not self.busy:
            self.busy = True
            # At the end of this turn: all holds that are written in it share a sync.
            self._soon(self._start)

    def _start(self) -> None:
        group, self._waiting = self._waiting, []
        if self._journal.failed:
            # Never again: what failed once may be lost, and a second sync would not tell.
            self._finish(group, synced=False)
            return
        self.syncs += 1
        self._thread.submit(self._sync, self._journal.unsynced(), group)

    def _sync(self, unsynced: Unsynced, group: list[Resume]) -> None:
        synced = True
        try:
            for descriptor in unsynced.descriptors:
                self._disk.sync(descriptor)
            if unsynced.folder is not None:
                self._disk.sync_folder(unsynced.folder)
        except OSError:
            synced = False
        self._back(lambda: self._finish(group, synced=synced))

    def _finish(self, group: list[Resume], *, synced: bool) -> None:
        self.busy = False
        if not synced:
            self._journal.failed = True
        self._journal.let_go()
        for resume in group:
            resume(synced)
        if self._waiting:
            self._begin()

    def close(self) -> None:
        """Wait for the sync that runs; there is none after it."""
        self._thread.shutdown()
