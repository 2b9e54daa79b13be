"""Lago: a usage event per attempt and meter, known by its `transaction_id`.

Format: https://getlago.com/docs/api-reference/events/batch. The amount in cents is exact, as text.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from headgate.exports.events.event import Event, Request
from headgate.exports.files import plain
from headgate.units.instants import NANOS_PER_SECOND

NAME = "lago"
EVENTS_MAX = 10
"""It takes a hundred at once, and an attempt has at most as many as there are meters."""

NANOS_PER_CENT = 10_000_000


def request(events: list[Event]) -> Request:
    """Return a batch."""
    found = [each for event in events for each in _events(event)]
    return Request("application/json", msgspec.json.encode({"events": found}))


def lines(event: Event) -> Iterator[bytes]:
    """Yield the events as JSON."""
    yield from map(msgspec.json.encode, _events(event))


def _events(event: Event) -> Iterator[dict[str, Any]]:
    seconds, nanos = divmod(event.at_ns, NANOS_PER_SECOND)
    for part in event.parts:
        yield {
            "transaction_id": event.id_of(part),
            "external_subscription_id": event.customer,
            "code": event.name,
            "timestamp": f"{seconds}.{nanos // 1_000_000:03d}",
            "precise_total_amount_cents": plain(Decimal(part.amount_nanos) / NANOS_PER_CENT),
            "properties": {
                "meter": part.meter,
                "quantity": part.quantity,
                "model": event.model,
                "principal": event.row.principal,
            },
        }
