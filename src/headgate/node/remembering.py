"""What workers have learned: merged by the steward, told to the others, kept over a restart.

No money depends on it, so it is told and kept in good time, not at once: what a worker has not
told yet, and what was not kept yet when the steward died, the next one does not know.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from headgate.experience.pool import Pool
from headgate.experience.rows import Experience
from headgate.experience.text import experience_text, read_experience
from headgate.node import kept
from headgate.node.messages import pack
from headgate.units.sealed import StateError

KEEP_S = 10
BACKLOG_BYTES_MAX = 4 << 20
"""A worker that does not listen is told no more than this; it is not worth memory."""

_log = logging.getLogger(__name__)


def experience_path(data_dir: Path) -> Path:
    """Return the file of what workers have learned."""
    return data_dir / "experience.json"


class Remembering:
    """The steward's memory of what workers have learned.

    Args:
        data_dir: Where the file is.
        workers: Those that are connected, by the name of their journal.
    """

    def __init__(self, data_dir: Path, workers: Mapping[str, asyncio.StreamWriter]) -> None:
        self._path = experience_path(data_dir)
        self._workers = workers
        self._pool = self._read()
        self._kept = self._pool.changes
        self._writing = threading.Lock()

    def _read(self) -> Pool:
        text = kept.read(self._path)
        if text is None:
            return Pool()
        try:
            return read_experience(text)
        except StateError as error:
            kept.set_aside(self._path, error, time.time_ns())
            return Pool()

    def greeting(self) -> bytes:
        """Return what a worker that has just connected is told."""
        return b"".join(pack(each) for each in self._pool.whole())

    def hear(self, journal: str, told: Experience) -> None:
        """Take what a worker has learned, and tell the others."""
        self._pool.hear(told)
        news = pack(told)
        for name, writer in self._workers.items():
            backlog = writer.transport.get_write_buffer_size()
            if name != journal and backlog < BACKLOG_BYTES_MAX:
                writer.write(news)

    async def keep_always(self) -> None:
        """Keep it, for ever."""
        while True:
            await asyncio.sleep(KEEP_S)
            if self._pool.changes != self._kept:
                await asyncio.to_thread(self._write, list(self._pool.whole()), self._pool.changes)

    def keep(self) -> None:
        """Keep what is known now; this is the last word, whatever is still being written."""
        if self._pool.changes != self._kept:
            self._write(list(self._pool.whole()), self._pool.changes)

    def _write(self, whole: list[Experience], changes: int) -> None:
        with self._writing:
            if changes <= self._kept:
                return
            self._kept = changes
            try:
                kept.write(self._path, experience_text(whole))
            except OSError as error:
                # The journals will say it louder; without this file the next start is a cold one.
                _log.warning("%s was not written: %s", self._path, error)
