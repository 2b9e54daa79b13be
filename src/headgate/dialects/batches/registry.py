"""The wire formats of batches that lie in this folder, and what each one must offer."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from msgspec import Struct

import headgate.dialects.batches
from headgate.dialects.batches.lines import Asked, Outcome, Wanted
from headgate.dialects.batches.steps import Look, Steps
from headgate.dialects.registry import discover
from headgate.records.batch import Batch
from headgate.units.errors import Refusal


class BatchWire(Protocol):
    """What every module of a wire offers.

    Attributes:
        KIND: Its name in records; a kind of provider that has it says so as `BATCHES`.
        PATH: The path clients make batches at; below it lies each by its id.
        PREFIX: What ids of batches begin with.
        ENDPOINTS: By path, the dialect of a line.
        SPOKEN: The dialect in which clients are refused something.
        ONE_MODEL: Whether all lines of a batch go to one model.
        HEADERS: Sent with every request to a provider, beside the credential.
        DELETES: Whether clients may delete a batch that has ended.
        SPLITS: Whether failures have a file of their own.
        BODY: What is read of a request for a batch.
    """

    KIND: str
    PATH: str
    PREFIX: str
    ENDPOINTS: Mapping[str, str]
    SPOKEN: str
    ONE_MODEL: bool
    HEADERS: Mapping[str, str]
    DELETES: bool
    SPLITS: bool
    BODY: type[Struct]

    def read(self, body: bytes, /) -> Wanted | Refusal:
        """Read what a client asks for."""

    def read_lines(self, data: bytes, endpoint: str, /) -> list[Asked] | Refusal:
        """Read the lines of a file."""

    def told_line(self, name: str, endpoint: str, body: bytes, /) -> bytes:
        """Return a line as it goes to a provider."""

    def create(self, batch: Batch, content: bytes, base: str, /) -> Steps[tuple[str, ...]]:
        """Hand a batch over; returns what it is called there, then its files."""

    def find(self, batch: Batch, base: str, /) -> Steps[str | None]:
        """Find a batch that may have been handed over; None when it certainly was not."""

    def look(self, batch: Batch, base: str, /) -> Steps[Look]:
        """Ask how a batch stands."""

    def cancel(self, batch: Batch, base: str, /) -> Steps[None]:
        """Cancel it."""

    def results(self, batch: Batch, look: Look, base: str, /) -> Steps[list[bytes]]:
        """Return the results of one that has ended, a file each."""

    def forget(self, batch: Batch, base: str, /) -> Steps[None]:
        """Delete what it left there that nobody else would."""

    def outcome(self, line: bytes, custom_ids: Mapping[int, str], /) -> Outcome:
        """Read a line of the results; the client's name stands in place of ours.

        Raises:
            ValueError: It cannot be read.
        """

    def render(self, batch: Batch, /) -> bytes:
        """Render a batch for its client."""

    def render_list(self, batches: Sequence[Batch], /, *, has_more: bool) -> bytes:
        """Render a page of them."""

    def render_deleted(self, batch: str, /) -> bytes:
        """Render that one was deleted."""


def wires() -> dict[str, BatchWire]:
    """Return every wire by its kind."""
    found = discover(headgate.dialects.batches).items()
    return {kind: cast(BatchWire, part) for kind, part in found}
