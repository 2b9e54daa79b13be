"""A disk below SQLite that fails: a VFS around SQLite's own, in the very library the store uses.

    fault = Fault(Kind.SHORT, at=17)
    engine = faulty_engine(path, fault)

It counts what SQLite asks of the disk (writes, syncs, truncations, reads) and fails at one of them:
an I/O error, no room, a write that gets half-way, a power cut, or a power cut after a sync that the
disk only claimed to have done. After a cut nothing works any more, and `Fault.cut` takes back what
was never synced, as the disk would have it after the machine has started again.
"""

import ctypes
import importlib
import itertools
import os
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Engine

from headgate.store.database import driver, make_engine

OK, IOERR, FULL = 0, 10, 13
IOERR_READ, IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE = (IOERR | n << 8 for n in (1, 3, 4, 6))

# The layouts of sqlite3.h: https://sqlite.org/c3ref/vfs.html, https://sqlite.org/c3ref/io_methods.html
OPEN = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int, c_void_p)
READ = WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    _fields_ = (
        *(("version", c_int), ("file_size", c_int), ("path_max", c_int), ("next", c_void_p)),
        *(("name", c_char_p), ("data", c_void_p), ("open", OPEN)),
        ("others", c_void_p * 15),
    )


class _Methods(Structure):
    _fields_ = (
        *(("version", c_int), ("close", c_void_p), ("read", READ), ("write", WRITE)),
        *(("truncate", TRUNCATE), ("sync", SYNC), ("others", c_void_p * 13)),
    )


class Kind(Enum):
    """How the disk fails, once; after the last two nothing works any more."""

    ERROR = "EIO"
    FULL = "ENOSPC"
    SHORT = "short write"
    CUT = "power cut"
    LOST = "lost fsync, then power cut"


class Undo(NamedTuple):
    """What a write that is not synced has changed."""

    path: bytes
    offset: int
    before: bytes
    size: int


class Fault:
    """A disk that fails once, at its `at`-th operation; 0 for never.

    Attributes:
        operations: How many there were.
        failed: Whether it has failed.
        dead: Whether the machine is off.
    """

    def __init__(self, kind: Kind, at: int) -> None:
        self.kind, self.at = kind, at
        self.operations = 0
        self.failed = self.dead = self._lied = False
        self._unsynced: list[Undo] = []

    def comes(self, *, sync: bool = False) -> bool:
        """Count an operation; tell whether the disk fails at it."""
        self.operations += 1
        if self.dead:
            return True
        if self._lied:
            self.dead = True
            return True
        due = self.at and self.operations >= self.at and not self.failed
        if due and self.kind is Kind.LOST:
            self.failed = self._lied = sync
            return False
        self.failed = self.failed or bool(due)
        self.dead = bool(due) and self.kind is Kind.CUT
        return bool(due)

    @property
    def lies(self) -> bool:
        """Whether the sync that is under way is only claimed."""
        return self._lied

    def note(self, path: bytes, offset: int, length: int) -> None:
        """Remember what stands where something is about to be written."""
        descriptor = os.open(path, os.O_RDONLY)
        before = os.pread(descriptor, length, offset)
        self._unsynced.append(Undo(path, offset, before, os.fstat(descriptor).st_size))
        os.close(descriptor)

    def synced(self, path: bytes) -> None:
        """What was written to a file is on the disk."""
        self._unsynced = [each for each in self._unsynced if each.path != path]

    def cut(self) -> None:
        """Take back what was not synced, the latest first, once all files are closed."""
        for path, offset, before, size in reversed(self._unsynced):
            if not Path(os.fsdecode(path)).exists():
                continue
            descriptor = os.open(path, os.O_RDWR)
            os.pwrite(descriptor, before, offset)
            os.truncate(descriptor, size)
            os.close(descriptor)


def _native() -> str:
    """Return the file of the very SQLite that the store uses."""
    bundled = driver().__name__.startswith("pysqlite3")
    native = importlib.import_module("pysqlite3._sqlite3" if bundled else "_sqlite3")
    assert native.__file__ is not None
    return native.__file__


class _Shim:
    """The VFS of one `Fault`; it stays registered as long as the process lives."""

    _numbers = itertools.count()
    kept: ClassVar[list["_Shim"]] = []

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._files: dict[int, bytes] = {}
        self._tables: dict[int, _Methods] = {}
        library = ctypes.CDLL(_native())
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._real = library.sqlite3_vfs_find(None)
        self.name = f"faulty-{next(self._numbers)}"
        self._name = ctypes.create_string_buffer(self.name.encode())
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.name = ctypes.cast(self._name, c_char_p)
        self._vfs.open = self._open = OPEN(self._opened)
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 0) == OK
        self.kept.append(self)

    def _opened(self, _vfs: Any, name: bytes, file: int, flags: int, out: Any) -> int:
        real = self._real.contents
        code: int = real.open(ctypes.addressof(real), name, file, flags, out)
        if code == OK:
            self._files[file] = name
            where = ctypes.cast(file, POINTER(c_void_p))
            where[0] = ctypes.addressof(self._table(int(where[0] or 0)))
        return code

    def _table(self, address: int) -> _Methods:
        if address not in self._tables:
            real = _Methods.from_address(address)
            table = _Methods.from_buffer_copy(real)
            table.read, table.write = self._read(real), self._write(real)
            table.truncate, table.sync = self._truncate(real), self._sync(real)
            self._tables[address] = table
        return self._tables[address]

    def _read(self, real: _Methods) -> Any:
        def read(file: int, to: int, length: int, offset: int) -> int:
            if self._fault.dead or (self._fault.kind is Kind.ERROR and self._fault.comes()):
                return IOERR_READ
            code: int = real.read(file, to, length, offset)
            return code

        return READ(read)

    def _write(self, real: _Methods) -> Any:
        def write(file: int, data: int, length: int, offset: int) -> int:
            fault = self._fault
            fails = fault.comes()
            if not fails or not fault.dead or fault.kind is Kind.CUT:
                fault.note(self._files[file], offset, length)
            if not fails:
                code: int = real.write(file, data, length, offset)
                return code
            if fault.kind in {Kind.SHORT, Kind.CUT}:
                real.write(file, data, length // 2, offset)
            return FULL if fault.kind is Kind.FULL else IOERR_WRITE

        return WRITE(write)

    def _truncate(self, real: _Methods) -> Any:
        def truncate(file: int, size: int) -> int:
            if self._fault.comes():
                return IOERR_TRUNCATE
            whole = Path(os.fsdecode(self._files[file])).stat().st_size
            self._fault.note(self._files[file], size, max(0, whole - size))
            code: int = real.truncate(file, size)
            return code

        return TRUNCATE(truncate)

    def _sync(self, real: _Methods) -> Any:
        def sync(file: int, flags: int) -> int:
            if self._fault.comes(sync=True):
                return IOERR_FSYNC
            if self._fault.lies:
                return OK
            code: int = real.sync(file, flags)
            self._fault.synced(self._files[file])
            return code

        return SYNC(sync)


def faulty_engine(path: Path, fault: Fault) -> Engine:
    """Return an engine for a store on such a disk."""
    return make_engine(f"sqlite:///file:{path}?vfs={_Shim(fault).name}&uri=true")


Life = Callable[[Path, Engine], None]
