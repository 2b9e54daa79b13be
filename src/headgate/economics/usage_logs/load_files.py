"""Finds logs: default folders, files below a folder, their format, and what of them is new."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from headgate.economics.usage_logs.formats.registry import format_of, formats
from headgate.economics.usage_logs.load_usage import TAIL_BYTES, Piece
from headgate.economics.usage_logs.store import FileState

HEAD_BYTES = 16 * 1024
"""What is read of a file to tell its format."""
PIECE_BYTES = 24 * 1024 * 1024
"""Files of lines are cut into pieces of this size, so that every core has work."""
FILES_MAX = 1_000_000
ENDINGS = (".jsonl", ".json", ".csv", ".parquet")


class Log(NamedTuple):
    """A file of a known format, and its state now."""

    path: str
    source: str
    size: int
    mtime_ns: int


class Survey(NamedTuple):
    """What was found below the given paths.

    Attributes:
        logs: Files of known formats, the largest first.
        unknown: Files with a usual ending that no format recognises.
        missing: Paths that are not there or cannot be read, with why.
    """

    logs: tuple[Log, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def default_folders(environment: Mapping[str, str], home: Path) -> tuple[tuple[str, Path], ...]:
    """Return the default folders that exist, each with the kind of log it is for."""
    return tuple(
        (kind, folder)
        for kind, form in formats().items()
        for folder in form.folders(environment, home)
        if folder.is_dir()
    )


def survey_defaults(
    environment: Mapping[str, str], home: Path, known: Mapping[str, FileState]
) -> Survey:
    """Find the logs in the default folders; everything else that lies there is left alone.

    A file that is as it was when it was `known` (by path) is not opened.
    """
    files = (
        path
        for kind, folder in default_folders(environment, home)
        for path in folder.glob(formats()[kind].PATTERN)
    )
    return _survey(files, (), known)


def survey(paths: Iterable[Path], known: Mapping[str, FileState]) -> Survey:
    """Find the logs among files and below folders; for `known` see `survey_defaults`."""
    paths = list(paths)
    missing = [f"{path}: no such file or folder" for path in paths if not path.exists()]
    return _survey((found for path in paths for found in _below(path)), missing, known)


def pieces_of(log: Log, known: FileState | None, seat: str) -> tuple[Piece, ...]:
    """Return what of a log is to be read; nothing when it has not changed since."""
    if known is not None and _unchanged(log, known, seat):
        return ()
    form = formats()[log.source]
    start = 0
    if form.LINES and known is not None and known.seat == seat and _continues(log, known):
        start = known.offset
    if not form.LINES:
        return (Piece(log.path, log.source, seat, 0, log.size),)
    cuts = [start, *_line_starts(log, start), log.size]
    return tuple(
        Piece(log.path, log.source, seat, begin, end)
        for begin, end in pairwise(cuts)
        if begin < end
    )


def _survey(
    files: Iterable[Path], missing: Iterable[str], known: Mapping[str, FileState]
) -> Survey:
    logs: dict[str, Log] = {}
    unknown: list[str] = []
    unreadable = list(missing)
    for path in files:
        if len(logs) >= FILES_MAX:
            unreadable.append(f"{path}: more than {FILES_MAX} files")
            break
        try:
            whole = path.absolute()
            found = whole.stat()
            if not S_ISREG(found.st_mode):
                # A pipe would never end, or has nothing the second time.
                unreadable.append(f"{path}: no file that can be read again; save it first")
                continue
            state = known.get(str(whole))
            if state and (state.size, state.mtime_ns) == (found.st_size, found.st_mtime_ns):
                kind = state.source
            else:
                kind = _kind_of(whole)
        except OSError as error:
            unreadable.append(f"{path}: {error.strerror}")
            continue
        if kind:
            name = str(whole)
            logs[name] = Log(name, kind, found.st_size, found.st_mtime_ns)
        else:
            unknown.append(str(path))
    ordered = sorted(logs.values(), key=lambda log: (-log.size, log.path))
    return Survey(tuple(ordered), tuple(sorted(unknown)), tuple(unreadable))


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (one for one in path.rglob("*") if one.suffix in ENDINGS and one.is_file())
    elif path.exists():
        yield path


def _kind_of(path: Path) -> str:
    """Return the kind of a log, "" for a file that is none."""
    with path.open("rb") as file:
        form = format_of(path.name, file.read(HEAD_BYTES))
    return form.KIND if form else ""


def _unchanged(log: Log, known: FileState, seat: str) -> bool:
    return (known.size, known.mtime_ns, known.seat) == (log.size, log.mtime_ns, seat)


def _continues(log: Log, known: FileState) -> bool:
    """Tell whether a file has only grown: the bytes before the old offset are still those."""
    if known.offset > log.size:
        return False
    with Path(log.path).open("rb") as file:
        file.seek(max(0, known.offset - TAIL_BYTES))
        return file.read(min(TAIL_BYTES, known.offset)) == known.tail


def _line_starts(log: Log, start: int) -> Iterator[int]:
    """Yield offsets of lines that cut a large file into pieces."""
    if log.size - start <= PIECE_BYTES:
        return
    with Path(log.path).open("rb") as file:
        at = start
        while log.size - at > PIECE_BYTES:
            file.seek(at + PIECE_BYTES)
            skipped = file.readline(PIECE_BYTES)
            at += PIECE_BYTES + len(skipped)
            if skipped.endswith(b"\n") and at < log.size:
                yield at
