"""The dialects whose streams can be counted and ended, found by `KIND`; what each must offer."""

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from msgspec import Raw

from headgate.dialects import stops as folder
from headgate.dialects.registry import discover
from headgate.dialects.stops.written import Frame


class Stop(Protocol):
    """Knows what of one client's stream is open."""

    def add(self, events: bytes, /) -> None:
        """Take the next bytes that the client was sent."""

    def close(self, output_tokens: int, /) -> bytes | None:
        """Return the events that end the stream as its output limit would.

        Args:
            output_tokens: A bound of what was generated, for a dialect that has to say a count.

        Returns:
            None when the stream has said already why it ends; empty when what is open cannot be
            told from what was seen, so that nothing would end it in order.
        """


class Counted(Protocol):
    """What a module here offers.

    Attributes:
        KIND: The dialect.
        UNWRITTEN: What of a stream no model wrote, see `stops.written`.
        thinks: Tells by a request's members whether it asks for thoughts, which are billed and
            need not all be shown.
    """

    KIND: str
    UNWRITTEN: Frame
    thinks: Callable[[Mapping[str, Raw]], bool]


def counted() -> dict[str, Counted]:
    """Return every dialect whose streams can be counted, by kind."""
    return {kind: cast(Counted, part) for kind, part in discover(folder).items()}


def stops() -> dict[str, Callable[[], Stop]]:
    """Return what ends the streams of each dialect that clients speak, by kind."""
    parts = discover(folder).items()
    return {kind: part.Stop for kind, part in parts if hasattr(part, "Stop")}
