"""Results on the disk: a line of JSON each, added when it is known, read again to go on.

Answers are not kept. A line that was torn by a crash is passed over; its call has an idempotency
key, so asking again gives the answer that was paid for.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from headgate.economics.inputs import InputError

FORMAT = 1


class Opened(Struct, frozen=True, kw_only=True, tag="opened"):
    """The first line: `id` makes keys and runs of this file's calls differ from any other's."""

    id: str
    format: int = FORMAT


class Paid(Struct, frozen=True, kw_only=True, tag="paid"):
    """A run was given a budget for this file's calls."""

    run: str


class Result(Struct, frozen=True, kw_only=True, tag="result"):
    """What an answer came to.

    Attributes:
        fingerprint: Of the task, with all that the result depends on.
        number: Which repeat, from 0.
        run: The run that it was paid in.
        cost_nanos: What the call cost; None where its reply did not say.
        judge_nanos: What the judge cost.
        voted: Whether the gateway took it as feedback.
        trouble: How a command ended badly, in words; empty for all else.
    """

    task: str
    fingerprint: str
    model: str
    number: int
    success: bool
    run: str
    call: str
    deployment: str
    served_model: str
    cost_nanos: int | None
    judge_nanos: int
    output_tokens: int | None
    latency_ms: int
    voted: bool
    trouble: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is the result of."""
        return (self.fingerprint, self.model, self.number)


Line = Opened | Paid | Result
_decode = msgspec.json.Decoder(Line).decode


class Results:
    """A file of results, open to be added to.

    Attributes:
        id: What the file is told apart by.
        runs: The runs that paid for what is in it, in order.
        found: The results; the newest of each.
    """

    def __init__(self, path: Path, fresh_id: str) -> None:
        """Open a file, or begin one.

        Args:
            path: The file.
            fresh_id: What a new one is told apart by.

        Raises:
            InputError: It cannot be written, is in use, or is something else.
        """
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}.", "Give --results a file.") from error
        self._lock(path)
        self.path = path
        self.id = fresh_id
        lines = list(self._read())
        if lines:
            if not isinstance(lines[0], Opened) or lines[0].format != FORMAT:
                self.close()
                raise InputError(f"{path} has no results.", "Name another file with --results.")
            self.id = lines[0].id
        else:
            self._write(Opened(id=fresh_id))
        self.runs = {one.run: None for one in lines if isinstance(one, Paid)}
        self.found = {one.key: one for one in lines if isinstance(one, Result)}

    def _lock(self, path: Path) -> None:
        """Keep others out until the file is closed, however this process ends."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            fix = "Wait until the other run of the suite has ended, or name another with --results."
            raise InputError(f"{path} is in use.", fix) from error

    def _read(self) -> Iterator[Line | None]:
        """Yield the lines; None for the first if it is no line of results."""
        self._file.seek(0)
        text = self._file.read()
        for number, line in enumerate(text.splitlines()):
            try:
                yield _decode(line)
            except msgspec.MsgspecError:
                if number == 0:
                    yield None
                    return
        if text and not text.endswith(b"\n"):
            self._file.write(b"\n")

    def pay(self, run: str) -> None:
        """Keep which run pays from here on, before it does."""
        if run not in self.runs:
            self._write(Paid(run=run))
            self.runs[run] = None

    def add(self, result: Result) -> None:
        """Keep a result, on the disk before it counts."""
        self._write(result)
        self.found[result.key] = result

    def _write(self, line: Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
