"""Stripe's meter events: one per attempt, whose value is its cost in nano-dollars.

Format: https://docs.stripe.com/api/billing/meter-event/create, one event a request, as a form. It
takes `identifier` once in 24 hours at least, and no `timestamp` older than 35 days.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from headgate.exports.events.event import Event, Request
from headgate.units.instants import NANOS_PER_SECOND

NAME = "stripe"
EVENTS_MAX = 1


def request(events: list[Event]) -> Request:
    """Return the event."""
    (event,) = events
    return Request("application/x-www-form-urlencoded", urlencode(_fields(event)).encode())


def lines(event: Event) -> Iterator[bytes]:
    """Yield the fields of the form as JSON."""
    yield msgspec.json.encode(_fields(event))


def _fields(event: Event) -> dict[str, str]:
    return {
        "event_name": event.name,
        "identifier": event.id,
        "timestamp": str(event.at_ns // NANOS_PER_SECOND),
        "payload[stripe_customer_id]": event.customer,
        "payload[value]": str(event.row.posted_nanos),
    }
