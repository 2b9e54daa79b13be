"""The formats that lie in this folder, found by their `KIND`, and what each one must offer."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from headgate.dialects.registry import discover
from headgate.economics.usage_logs import formats as folder
from headgate.economics.usage_logs.record import Findings, Telling


class Format(Protocol):
    """What every module of a format offers; the modules say where a format is described.

    Attributes:
        KIND: Its name in the store and in reports.
        TITLE: What people call it.
        LINES: Whether a file is lines that can be read from any of them on: such a file is read
            in pieces, and from where it was left when it has grown. Any other is read whole.
        PATTERN: Which files of a default folder are logs.
        SELLER: Whose models it mostly tells of; None when it may be anyone's.
    """

    KIND: str
    TITLE: str
    LINES: bool
    PATTERN: str
    SELLER: str | None

    def recognises(self, name: str, head: bytes, /) -> bool:
        """Tell from a file's name and its beginning whether it is of this format."""

    def folders(self, environment: Mapping[str, str], home: Path, /) -> tuple[Path, ...]:
        """Return where such logs lie by default; they need not exist."""

    def read(self, blocks: Iterable[bytes], name: str, /) -> Findings:
        """Read blocks of whole lines, or a whole file; never raise for what is in them."""

    def copies(self, tellings: Iterable[Telling], parents: Mapping[str, str], /) -> set[str]:
        """Return the parts that repeat another of these tellings of one reply.

        `parents` is from each forked thread to the one it was forked from.
        """


@cache
def formats() -> dict[str, Format]:
    """Return every format by its kind."""
    return {kind: cast(Format, part) for kind, part in discover(folder).items()}


def format_of(name: str, head: bytes) -> Format | None:
    """Return the format of a file, None when no format knows it."""
    return next((one for one in formats().values() if one.recognises(name, head)), None)
