"""One unit of work, in whatever process: pieces of logs are read, priced and kept."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from io import RawIOBase
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol

from msgspec import DecodeError, Raw, json

from headgate.economics.usage_logs.formats.registry import Format, formats
from headgate.economics.usage_logs.pricing import Priced, Pricer
from headgate.economics.usage_logs.record import Findings, Tally
from headgate.economics.usage_logs.store import UsageStore

BLOCK_BYTES = 8 * 1024 * 1024
RECORDS_HELD_MAX = 20_000
"""More are kept at once, however long that has to wait."""
RECORDS_HELD_MIN = 1_000
"""So many are kept as soon as nobody else writes: a transaction each for fewer would be dearer."""
LINE_BYTES_MAX = 64 * 1024 * 1024
"""A longer line is passed over: no record of usage needs a thousandth of it."""
DOCUMENT_BYTES_MAX = 512 * 1024 * 1024
"""A larger file of a format that is read whole is left out, and said to be."""
TAIL_BYTES = 64


class Piece(NamedTuple):
    """Part of a file: the lines that begin from `start` on and before `end`.

    Attributes:
        source: The kind of its format.
        seat: Whose usage it is when the log does not say.
    """

    path: str
    source: str
    seat: str
    start: int
    end: int


class Outcome(NamedTuple):
    """What became of a piece.

    Attributes:
        reached: Where the next import of the file may begin.
        tail: The bytes before it.
        records: Records of usage that were found, copies included.
        trouble: Why the file cannot be read, "" when it can.
    """

    piece: Piece
    reached: int
    tail: bytes
    tally: Tally
    records: int = 0
    trouble: str = ""


class Turn(Protocol):
    """A lock, of threads or of processes."""

    def acquire(self, wait: bool, /) -> bool:
        """Take it, and tell whether it was taken; without `wait` only when it is free."""

    def release(self) -> None:
        """Give it back."""


class Loader:
    """Reads pieces into a store.

    Args:
        store: Its own connection to it.
        pricer: Prices at the time of use.
        turn: Held while the store is written, so that processes do not wait in its busy loop.
    """

    def __init__(self, store: UsageStore, pricer: Pricer, turn: Turn | None = None) -> None:
        self._store = store
        self._pricer = pricer
        self._turn = turn or Lock()
        self._found: dict[tuple[str, str], tuple[Findings, list[Priced]]] = {}
        self._outcomes: list[Outcome] = []

    def load(self, pieces: Iterable[Piece]) -> list[Outcome]:
        """Read some pieces and keep what was found."""
        self.read(pieces)
        return self.keep()

    def read(self, pieces: Iterable[Piece]) -> None:
        """Read some pieces; what cannot be read is reported by its outcome, never raised."""
        self._outcomes += [self._read(piece) for piece in pieces]

    def keep_if_due(self) -> list[Outcome]:
        """Keep what was found if it is much and nobody else writes; else return nothing."""
        held = sum(len(prices) for _, prices in self._found.values())
        if held < RECORDS_HELD_MIN or not self._turn.acquire(False):
            return []
        try:
            self._write()
        finally:
            self._turn.release()
        return self._told()

    def keep(self) -> list[Outcome]:
        """Keep what was found and return what became of all pieces since the last time.

        Once this has returned, all they had is in the store.
        """
        self._keep()
        return self._told()

    def _told(self) -> list[Outcome]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _read(self, piece: Piece) -> Outcome:
        form = formats()[piece.source]
        try:
            with Path(piece.path).open("rb", buffering=0) as file:
                if form.LINES:
                    return self._read_lines(file, piece, form)
                return self._read_whole(file, piece, form)
        except OSError as error:
            return Outcome(piece, piece.start, b"", Tally(), trouble=str(error))

    def _read_lines(self, file: RawIOBase, piece: Piece, form: Format) -> Outcome:
        blocks = LineBlocks(file, piece.start, piece.end)
        findings = form.read(blocks, Path(piece.path).name)
        findings.tally.add(blocks.tally)
        self._collect(piece, findings)
        tail = _tail(file, blocks.offset)
        return Outcome(piece, blocks.offset, tail, findings.tally, len(findings.usage))

    def _read_whole(self, file: RawIOBase, piece: Piece, form: Format) -> Outcome:
        data = file.readall() if piece.end <= DOCUMENT_BYTES_MAX else b""
        if not data and piece.end:
            return Outcome(piece, 0, b"", Tally(), trouble="it is too large to be read whole")
        findings = form.read((data.removeprefix(BOM_UTF8),), Path(piece.path).name)
        self._collect(piece, findings)
        return Outcome(piece, len(data), data[-TAIL_BYTES:], findings.tally, len(findings.usage))

    def _collect(self, piece: Piece, findings: Findings) -> None:
        collected, prices = self._found.setdefault((piece.source, piece.seat), (Findings(), []))
        collected.usage += findings.usage
        collected.bills += findings.bills
        collected.readings += findings.readings
        collected.threads += findings.threads
        usual, price = formats()[piece.source].SELLER, self._pricer.price
        prices += [price(found, usual) for found in findings.usage]
        if len(prices) >= RECORDS_HELD_MAX:
            self._keep()

    def _keep(self) -> None:
        self._turn.acquire(True)
        try:
            self._write()
        finally:
            self._turn.release()

    def _write(self) -> None:
        for (source, seat), (findings, prices) in self._found.items():
            self._store.keep(source, seat, findings, prices)
        self._found.clear()


class LineBlocks:
    """Blocks of whole lines from a span of a file.

    A last line without a newline is given out when it looks whole; else it is counted as broken
    and the offset stays before it, so that a later import finds it finished.

    Attributes:
        offset: Where the next import may begin, once all blocks were taken.
        tally: What was wrong with lines that are in no block.
    """

    def __init__(self, file: RawIOBase, start: int, end: int) -> None:
        self._file = file
        self._end = end
        self.offset = start
        self.tally = Tally()

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self.offset)
        if not self.offset and self._file.read(len(BOM_UTF8)) == BOM_UTF8:
            self.offset = len(BOM_UTF8)
        self._file.seek(self.offset)
        rest, dropping = b"", False
        while block := self._file.read(min(BLOCK_BYTES, self._end - self.offset - len(rest))):
            data = rest + block if rest else block
            if dropping:
                # Of an endless line the end is looked for and nothing kept.
                first = data.find(b"\n") + 1
                self.offset += first or len(data)
                data, dropping = data[first or len(data) :], not first
            cut = data.rfind(b"\n") + 1
            if cut:
                self.offset += cut
                yield data[:cut]
            rest = data[cut:]
            if len(rest) > LINE_BYTES_MAX:
                self._drop(rest, "a line without end")
                self.offset += len(rest)
                rest, dropping = b"", True
        last = rest.strip()
        if _is_whole(last):
            self.offset += len(rest)
            yield rest
        elif last:
            self._drop(last, "a last line that is not finished")

    def _drop(self, line: bytes, why: str) -> None:
        self.tally.lines += 1
        self.tally.note_broken(line, why)


def _is_whole(line: bytes) -> bool:
    """Tell whether a line without a newline is finished; a brace at its end may be an inner one."""
    if not line.endswith(b"}"):
        return False
    try:
        json.decode(line, type=Raw)
    except (DecodeError, RecursionError):
        return False
    return True


def _tail(file: RawIOBase, offset: int) -> bytes:
    start = max(0, offset - TAIL_BYTES)
    file.seek(start)
    return file.read(offset - start)
