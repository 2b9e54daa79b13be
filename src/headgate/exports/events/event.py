"""What one attempt used, ready to be told to anybody; pure.

Ids are made of the attempt's, which is never used again, so a receiver that drops what it knows
already counts each once, however often it is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from headgate.exports.charges import Part, parts_of
from headgate.exports.settings import USAGE
from headgate.insights.calls import AttemptRow


class Event(NamedTuple):
    """An attempt that used something, and what it cost.

    Attributes:
        source: Who says so: the organisation's Headgate.
        customer: Who the receiver thinks the team is.
        name: What the receiver calls such events.
        parts: What was posted, by meter.
    """

    source: str
    customer: str
    name: str
    row: AttemptRow
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """The attempt's."""
        return self.row.attempt

    @property
    def at_ns(self) -> int:
        """When it ended."""
        assert self.row.ended_ns is not None, f"{self.id} runs"
        return self.row.ended_ns

    @property
    def model(self) -> str:
        """The model that served, or else the deployment it was asked of."""
        return self.row.served_model or self.row.deployment

    def id_of(self, part: Part) -> str:
        """Return the id of a single meter's event."""
        return f"{self.id}/{part.meter}"


class Request(NamedTuple):
    """What is posted."""

    content_type: str
    body: bytes


class Format(Protocol):
    """What a file of this folder offers.

    Attributes:
        NAME: As the configuration and the command line have it.
        EVENTS_MAX: So many go into a request.
    """

    NAME: str
    EVENTS_MAX: int

    def request(self, events: list[Event], /) -> Request:
        """Return what is posted for some events."""

    def lines(self, event: Event, /) -> Iterator[bytes]:
        """Yield an event as lines of a file."""


def events_of(
    rows: Iterable[AttemptRow],
    organisation: str,
    customers: Mapping[str, str] | None = None,
    name: str = USAGE,
) -> Iterator[Event]:
    """Yield the events of attempts; those that cost and used nothing are none."""
    for row in rows:
        if row.usage or row.posted_nanos:
            customer = (customers or {}).get(row.team, row.team)
            source = f"urn:headgate:{organisation}"
            yield Event(source, customer, name, row, tuple(parts_of(row)))
