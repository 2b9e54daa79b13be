"""What is sent to whom of a step: spans and metrics, or events; pure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from headgate import __version__
from headgate.exports import otel_names as names
from headgate.exports.events.event import events_of
from headgate.exports.events.registry import formats
from headgate.exports.following import Found
from headgate.exports.otel_metrics import Meters
from headgate.exports.otel_spans import spans
from headgate.exports.otlp import METRICS_PATH, TRACES_PATH, Attributes, metrics, traces
from headgate.exports.reading import Known
from headgate.exports.settings import Otel, Target
from headgate.insights.calls import AttemptRow
from headgate.insights.webhooks import GIVEN_UP_NS, Message, signature
from headgate.units.instants import NANOS_PER_SECOND

SPANS_MAX = 500
"""So many spans go into a request."""

SCOPE = "headgate"

T = TypeVar("T")


class Parcel(NamedTuple):
    """What is posted, and where to."""

    url: str
    message: Message


class Sender(Protocol):
    """Makes of what happened what somebody is sent.

    Attributes:
        follower: Its name in the store.
    """

    follower: str

    def parcels(self, found: Found, now_ns: int, /) -> Iterator[Parcel]:
        """Yield what has to be taken before the step counts as sent."""

    def after(self, found: Found, now_ns: int, /) -> Iterator[Parcel]:
        """Yield what is sent once the step is: nothing is lost when it is not taken."""


class OtelSender:
    """Sends spans of what ended, and metrics of all since it was made."""

    follower = "otel"

    def __init__(
        self, otel: Otel, organisation: str, known: dict[str, Known], start_ns: int
    ) -> None:
        self._otel = otel
        self._known = known
        self._meters = Meters(start_ns)
        self._resource: Attributes = {
            names.SERVICE_NAME: otel.service_name,
            names.SERVICE_VERSION: __version__,
            names.SERVICE_NAMESPACE: organisation,
        }

    def parcels(self, found: Found, now_ns: int, /) -> Iterator[Parcel]:
        """Yield the spans of a step."""
        if self._otel.traces:
            made = list(
                spans(
                    fresh(found.step.attempts, now_ns), found.over, self._known, found.step.traces
                )
            )
            for some in pieces(made, SPANS_MAX):
                yield self._parcel(TRACES_PATH, traces(self._resource, SCOPE, some))

    def after(self, found: Found, now_ns: int, /) -> Iterator[Parcel]:
        """Count the step, and yield the metrics since the start: a later word has it all."""
        if self._otel.metrics and found.step.attempts:
            self._meters.count(found.step.attempts, self._known)
            yield self._parcel(
                METRICS_PATH, metrics(self._resource, SCOPE, self._meters.metrics(now_ns))
            )

    def _parcel(self, path: str, body: bytes) -> Parcel:
        headers = {"content-type": "application/json", "user-agent": "headgate"}
        return Parcel(
            self._otel.endpoint + path, Message({**headers, **dict(self._otel.headers)}, body)
        )


class EventSender:
    """Sends events of what was used."""

    def __init__(self, target: Target, organisation: str) -> None:
        self.follower = f"events:{target.id}"
        self._target = target
        self._organisation = organisation
        self._format = formats()[target.format]

    def parcels(self, found: Found, now_ns: int, /) -> Iterator[Parcel]:
        """Yield the events of a step."""
        target = self._target
        rows = fresh(found.step.attempts, now_ns)
        events = list(events_of(rows, self._organisation, target.customers, target.event_name))
        for some in pieces(events, self._format.EVENTS_MAX):
            kind, body = self._format.request(list(some))
            headers = {"content-type": kind, "user-agent": "headgate"}
            if target.token is not None:
                headers["authorization"] = f"Bearer {target.token}"
            if target.secret is not None:
                name = f"hg_{hashlib.sha256(body).hexdigest()[:32]}"
                headers |= signature(target.secret, name, now_ns // NANOS_PER_SECOND, body)
            yield Parcel(target.url, Message(headers, body))

    def after(self, _found: Found, _now_ns: int, /) -> Iterator[Parcel]:
        """Yield nothing: events are all there is."""
        return iter(())


def fresh(rows: Iterable[AttemptRow], now_ns: int) -> list[AttemptRow]:
    """Return what is not too old to be sent: what nobody took for three days is sent no more."""
    return [row for row in rows if now_ns - (row.ended_ns or row.at_ns) <= GIVEN_UP_NS]


def pieces(all_: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield pieces of a sequence of at most a size."""
    return (all_[at : at + size] for at in range(0, len(all_), size))
