"""A file of what was learned, kept over a restart: whole or not at all, set aside when unfit."""

import logging
import os
from pathlib import Path

from headgate.store.private import private

_log = logging.getLogger(__name__)


def read(path: Path) -> str | None:
    """Return a file's text, None for no file; what is no UTF-8 stands in it as surrogates."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def write(path: Path, text: str) -> None:
    """Write a file in one piece: what is there is either the old one or the new one.

    Raises:
        OSError: The disk did not take it; the old one is still there.
    """
    beside = path.with_suffix(".new")
    with open(beside, "w", encoding="utf-8", opener=private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def set_aside(path: Path, why: Exception, now_ns: int) -> Path:
    """Give a file that cannot be used another name, with a warning; returns it."""
    aside = path.with_suffix(f".{now_ns}.aside")
    path.rename(aside)
    _log.warning("%s is set aside as %s: %s", path, aside.name, why)
    return aside
