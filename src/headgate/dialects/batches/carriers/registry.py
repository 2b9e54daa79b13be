"""The carriers of batches that lie in this folder, and what each one must offer."""

from collections.abc import Mapping
from typing import Protocol, cast

import headgate.dialects.batches.carriers
from headgate.dialects.batches.lines import Outcome
from headgate.dialects.batches.steps import Look, Steps
from headgate.dialects.registry import discover
from headgate.records.batch import Batch


class Carrier(Protocol):
    """What every module of a carrier offers.

    Attributes:
        KIND: Its name in records; a kind of provider that has it says so as `BATCHES`.
        TAKES: The wire whose batches it hands over.
        HEADERS: Sent with every request to a provider, beside the credential.
    """

    KIND: str
    TAKES: str
    HEADERS: Mapping[str, str]

    def url(self, endpoint: str, base: str, /) -> str:
        """Return what a client's endpoint is called at a provider's address."""

    def told_line(self, name: str, url: str, body: bytes, /) -> bytes:
        """Return a line as it goes to a provider."""

    def upload(self, batch: Batch, content: bytes, base: str, /) -> Steps[tuple[str, ...]]:
        """Bring what a batch will be made of; returns the files it is in, of which none is run.

        `batch.sending_ns` is None when it is done for the first time.
        """

    def ready(self, batch: Batch, base: str, /) -> Steps[None]:
        """Tell whether a batch can be made of what was uploaded.

        Raises:
            PendingError: Not yet.
            RejectedError: Never.
        """

    def create(self, batch: Batch, content: bytes, base: str, /) -> Steps[str]:
        """Make a batch, of what was uploaded where there is a file; returns its name there."""

    def find(self, batch: Batch, base: str, /) -> Steps[str | None]:
        """Find a batch that may have been made; None when it certainly was not, nor will be.

        After None its files are not used again.

        Raises:
            PendingError: It cannot be told yet.
        """

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


def carriers() -> dict[str, Carrier]:
    """Return every carrier by its kind."""
    found = discover(headgate.dialects.batches.carriers).items()
    return {kind: cast(Carrier, part) for kind, part in found}
