"""The wire formats of batches that lie in this folder, and what each one must offer."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from msgspec import Struct

import headgate.dialects.batches
from headgate.dialects.batches.lines import Asked, Wanted
from headgate.dialects.registry import discover
from headgate.records.batch import Batch
from headgate.units.errors import Refusal


class BatchWire(Protocol):
    """What every module of a wire offers.

    Attributes:
        KIND: Its name in records; carriers that take it say so as `TAKES`.
        PATH: The path clients make batches at; below it lies each by its id.
        PREFIX: What ids of batches begin with.
        ENDPOINTS: By path, the dialect of a line.
        SPOKEN: The dialect in which clients are refused something.
        ONE_MODEL: Whether all lines of a batch go to one model.
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
    DELETES: bool
    SPLITS: bool
    BODY: type[Struct]

    def read(self, body: bytes, /) -> Wanted | Refusal:
        """Read what a client asks for."""

    def read_lines(self, data: bytes, endpoint: str, /) -> list[Asked] | Refusal:
        """Read the lines of a file."""

    def render(self, batch: Batch, /) -> bytes:
        """Render a batch for its client."""

    def render_list(self, batches: Sequence[Batch], /, *, has_more: bool) -> bytes:
        """Render a page of them."""

    def render_deleted(self, batch: str, /) -> bytes:
        """Render that one was deleted."""

    def render_untold(self, custom_id: str, why: str | None, /) -> bytes | None:
        """Render a line of which its provider tells no result; None if there is no such thing.

        Args:
            custom_id: What its client calls it.
            why: What is known of it; None when it was cancelled.
        """


def wires() -> dict[str, BatchWire]:
    """Return every wire by its kind."""
    found = discover(headgate.dialects.batches).items()
    return {kind: cast(BatchWire, part) for kind, part in found}
