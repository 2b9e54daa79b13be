"""The access log: one line of JSON per request that was answered, written beside the calls.

A line is taken down when its request is over, and written with all others of the moment by a
thread. Nothing waits for it: when the disk cannot follow, lines are dropped, and counted.
"""

from __future__ import annotations

import contextlib
import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.gateway.settings import AccessLogFiles
from headgate.store.private import make_private
from headgate.units.instants import to_iso

ENTRIES_MAX = 20_000
"""So many lines may wait to be written; at 5,000 requests a second, four seconds."""

_log = logging.getLogger(__name__)


class Entry(msgspec.Struct, omit_defaults=True, gc=False):
    """One request.

    Attributes:
        at_ns: When it began to be answered.
        client: The client's address.
        method: None where the request never came whole, as with the next ones.
        path: Without the query, bounded.
        status: What the client was told; 0 when it went away before anything was.
        size: Bytes of the answer, its head included.
        took_ms: From its last byte to that of the answer.
        cut: Whether the client went away before the end.
    """

    at_ns: int
    client: str | None
    status: int
    took_ms: int
    size: int
    method: str | None = None
    path: str | None = None
    principal: str | None = None
    key: str | None = None
    call: str | None = None
    request_id: str | None = None
    cut: bool = False


class _Lost(NamedTuple):
    """Lines that were not written now, and earlier ones of which nobody was told."""

    lines: int
    untold: int = 0


class AccessLog:
    """The access log of one worker.

    Attributes:
        dropped: Lines that were never written.
    """

    def __init__(self, files: AccessLogFiles, name: str) -> None:
        """Keep it in the file `<name>.jsonl` of a folder, which is made when it is missing."""
        self._files = files
        self._path = Path(files.folder) / f"{name}.jsonl"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="access-log")
        self._writing: Future[_Lost] | None = None
        self._entries: list[Entry] = []
        self._untold = 0
        self._file = -1
        self.dropped = 0

    def add(self, entry: Entry) -> None:
        """Take a line down."""
        if len(self._entries) < ENTRIES_MAX:
            self._entries.append(entry)
        else:
            self._count(_Lost(1))

    def flush(self) -> None:
        """Have what was taken down written, unless the thread still writes; for the sweep."""
        if self._writing is not None:
            if not self._writing.done():
                return
            self._count(self._writing.result())
            self._writing = None
        if self._entries:
            entries, self._entries = self._entries, []
            untold, self._untold = self._untold, 0
            self._writing = self._thread.submit(self._write, entries, untold)

    def close(self) -> None:
        """Write the rest; waits for it."""
        self._thread.shutdown()
        if self._writing is not None:
            self._count(self._writing.result())
        self._count(self._write(self._entries, self._untold))
        self._entries = []
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _count(self, lost: _Lost) -> None:
        self.dropped += lost.lines
        self._untold += lost.lines + lost.untold

    def _write(self, entries: list[Entry], untold: int) -> _Lost:
        """Write lines, in the thread, and how many were lost before; returns what is lost now."""
        lines = [_line(entry) for entry in entries]
        if untold:
            lines.insert(0, b'{"dropped":%d}\n' % untold)
        try:
            if lines:
                self._append(b"".join(lines))
        except OSError as error:
            _log.warning("access_log: %s cannot be written: %s.", self._path, error.strerror)
            return _Lost(len(entries), untold)
        return _Lost(0)

    def _append(self, data: bytes) -> None:
        self._open()
        at = 0
        while at < len(data):
            at += os.write(self._file, data[at:])
        if os.fstat(self._file).st_size >= self._files.file_bytes_max:
            self._rotate()

    def _open(self) -> None:
        """Open the file, anew when it is not the one of that name any more."""
        if self._file >= 0:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(self._path.stat(), os.fstat(self._file)):
                    return
            os.close(self._file)
            self._file = -1
        make_private(self._path.parent)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _rotate(self) -> None:
        """Move each file on by one; the last one goes."""
        for number in range(self._files.files_max - 1, 0, -1):
            source = self._path if number == 1 else self._numbered(number - 1)
            with contextlib.suppress(FileNotFoundError):
                source.replace(self._numbered(number))
        if self._files.files_max == 1:
            self._path.unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _line(entry: Entry) -> bytes:
    """Return a line: the fields that have a value, in the order of the reference."""
    said: dict[str, object] = {"at": to_iso(entry.at_ns), "client": entry.client}
    said |= {"method": entry.method, "path": entry.path, "status": entry.status}
    said |= {"bytes": entry.size, "ms": entry.took_ms, "call": entry.call}
    said |= {"request_id": entry.request_id, "principal": entry.principal, "key": entry.key}
    if entry.cut:
        said["cut"] = True
    return msgspec.json.encode({k: v for k, v in said.items() if v is not None}) + b"\n"
