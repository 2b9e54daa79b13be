"""What batches have in common at the simulated providers: lines that run when they are let.

A batch runs as a whole when somebody asks how it stands, unless the batches are held. Its lines
are charged at half the price, those that run.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from headgate.simulator.replies import Ending, Reply, body_reply, silent_reply
from headgate.simulator.server import Request

Run = Callable[[Request], tuple[int, dict[str, Any]]]
"""Runs one request at batch rates; returns status and document."""


class Batched(Protocol):
    """The batches of one provider's API."""

    def handles(self, request: Request) -> bool:
        """Tell whether a request is for them."""

    def reply(self, request: Request) -> Reply:
        """Answer it."""


@dataclass(slots=True)
class BatchControl:
    """What tests do to the batches of a simulator.

    Attributes:
        held: Whether they wait instead of being run.
        lost: Whether the answer to the next request that makes a batch never comes.
        status: What a server in between says in its place; 0: nothing.
        late: Whether that request, then, is on its way until so many others were answered; 0: not.
        expires: Whether a batch that is run expires after its first line.
        fails: Whether the next batch is found to be wrong as a whole once it was made.
        untold: So many lines at the end of a batch are not in its results, though they ran.
        unprocessed: So many looks still find files not processed (Azure).
        spoilt: Whether the next file that is uploaded is found to be wrong then (Azure).
        unheard_upload: Whether the answer to that upload never comes (Azure).
    """

    held: bool = False
    lost: bool = False
    status: int = 0
    late: int = 0
    expires: bool = False
    fails: bool = False
    untold: int = 0
    unprocessed: int = 0
    spoilt: bool = False
    unheard_upload: bool = False


@dataclass(slots=True)
class Line:
    """One line, and what became of it: `status` is 0 until it ran.

    Attributes:
        ending: `canceled` or `expired` for a line that will not run.
    """

    custom_id: str
    url: str
    body: dict[str, Any]
    status: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    ending: str = ""


@dataclass(slots=True)
class Batch:
    """One batch; `ended` is empty while it runs."""

    id: str
    lines: list[Line]
    headers: tuple[tuple[str, str], ...]
    about: dict[str, Any]
    created_s: int = field(default_factory=lambda: int(time.time()))
    ended: str = ""
    cancelled: bool = False


def unheard(control: BatchControl) -> Reply:
    """Return what comes of an answer that is lost, which is lost once."""
    control.lost = False
    if not control.status:
        return silent_reply(Ending.RESET)
    return body_reply(control.status, (("content-type", "text/html"),), b"<html>Bad Gateway</html>")


class Batches:
    """The batches of one provider."""

    def __init__(self, control: BatchControl, run: Run, prefix: str) -> None:
        self.control = control
        self.made: dict[str, Batch] = {}
        self._run = run
        self._prefix = prefix

    def add(self, lines: list[Line], request: Request, about: dict[str, Any]) -> Batch:
        """Take a batch."""
        made = Batch(f"{self._prefix}{secrets.token_hex(8)}", lines, request.headers, about)
        self.made[made.id] = made
        return made

    def look(self, batch: Batch) -> Batch:
        """Run a batch whose time has come."""
        if batch.ended or (self.control.held and not batch.cancelled):
            return batch
        for number, line in enumerate(batch.lines):
            if batch.cancelled:
                line.ending = "canceled"
            elif self.control.expires and number:
                line.ending = "expired"
            else:
                body = json.dumps(line.body).encode()
                line.status, line.document = self._run(
                    Request("POST", line.url, batch.headers, body)
                )
        batch.ended = "canceled" if batch.cancelled else "completed"
        if self.control.expires and not batch.cancelled:
            batch.ended = "expired"
        return batch

    def newest(self) -> list[Batch]:
        """Return all, the newest first."""
        return list(reversed(self.made.values()))

    def count(self, batch: Batch, *statuses: int, ending: str = "") -> int:
        """Return how many lines of a batch ended so."""
        if ending:
            return sum(line.ending == ending for line in batch.lines)
        return sum(line.status in statuses for line in batch.lines)
