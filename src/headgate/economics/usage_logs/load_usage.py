"""One unit of work, in whatever process: pieces of logs are read, priced and kept."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from headgate.economics.usage_logs.formats.registry import Format, formats
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.record import Findings, Tally
from headgate.economics.usage_logs.store import UsageStore

BLOCK_BYTES = 8 * 1024 * 1024
RECORDS_HELD_MAX = 20_000
"""More are kept before the rest of a batch is read."""
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


class Loader:
    """Reads pieces into a store.

    Args:
        store: Its own connection to it.
        pricer: Prices at the time of use.
        turn: Taken while the store is written, so that processes do not wait in its busy loop.
    """

    def __init__(
        self,
        store: UsageStore,
        pricer: Pricer,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        self._store = store
        self._pricer = pricer
        self._turn = turn or nullcontext()
        self._found: dict[tuple[str, str], Findings] = {}

    def load(self, pieces: Iterable[Piece]) -> list[Outcome]:
        """Read some pieces and keep what was found; what cannot be read is reported, never raised.

        Once this has returned, all of it is in the store.
        """
        outcomes = [self._read(piece) for piece in pieces]
        self._keep()
        return outcomes

    def _read(self, piece: Piece) -> Outcome:
        form = formats()[piece.source]
        try:
            with Path(piece.path).open("rb") as file:
                if form.LINES:
                    return self._read_lines(file, piece, form)
                return self._read_whole(file, piece, form)
        except OSError as error:
            return Outcome(piece, piece.start, b"", Tally(), trouble=str(error))

    def _read_lines(self, file: BinaryIO, piece: Piece, form: Format) -> Outcome:
        tally, records, reached = Tally(), 0, piece.start
        for data, behind in line_blocks(file, piece.start, piece.end, tally):
            reached = behind
            findings = form.read(data, Path(piece.path).name)
            tally.add(findings.tally)
            records += len(findings.usage)
            self._collect(piece, findings)
        return Outcome(piece, reached, _tail(file, reached), tally, records)

    def _read_whole(self, file: BinaryIO, piece: Piece, form: Format) -> Outcome:
        data = file.read(DOCUMENT_BYTES_MAX + 1)
        if len(data) > DOCUMENT_BYTES_MAX:
            return Outcome(piece, 0, b"", Tally(), trouble="it is too large to be read whole")
        findings = form.read(data, Path(piece.path).name)
        self._collect(piece, findings)
        return Outcome(piece, len(data), data[-TAIL_BYTES:], findings.tally, len(findings.usage))

    def _collect(self, piece: Piece, findings: Findings) -> None:
        collected = self._found.setdefault((piece.source, piece.seat), Findings())
        collected.usage += findings.usage
        collected.bills += findings.bills
        collected.readings += findings.readings
        collected.threads += findings.threads
        if len(collected.usage) >= RECORDS_HELD_MAX:
            self._keep()

    def _keep(self) -> None:
        for (source, seat), findings in self._found.items():
            prices = [self._pricer.price(found) for found in findings.usage]
            with self._turn:
                self._store.keep(source, seat, findings, prices)
        self._found.clear()


def line_blocks(file: BinaryIO, start: int, end: int, tally: Tally) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines from a span, each with the offset behind it.

    A last line without a newline is yielded when it looks whole; else it is counted as broken and
    the offset stays before it, so that a later import finds it finished.
    """
    file.seek(start)
    rest, offset, dropping = b"", start, False
    while block := file.read(min(BLOCK_BYTES, end - offset - len(rest))):
        data = rest + block
        cut = data.rfind(b"\n") + 1
        if dropping:
            # Of an endless line the end is looked for and nothing kept.
            first = data.find(b"\n") + 1
            data, offset = data[first or len(data) :], offset + (first or len(data))
            cut, dropping = max(0, cut - first), not first
        if cut:
            offset += cut
            yield data[:cut], offset
        rest = data[cut:]
        if len(rest) > LINE_BYTES_MAX:
            tally.lines += 1
            tally.note_broken(rest[:TAIL_BYTES], "a line without end")
            offset, rest, dropping = offset + len(rest), b"", True
    last = rest.strip()
    if last.endswith(b"}"):
        yield rest, offset + len(rest)
    elif last:
        tally.lines += 1
        tally.note_broken(last, "a last line that is not finished")


def _tail(file: BinaryIO, offset: int) -> bytes:
    start = max(0, offset - TAIL_BYTES)
    file.seek(start)
    return file.read(offset - start)
