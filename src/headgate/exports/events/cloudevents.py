"""CloudEvents 1.0: an event per attempt, with all that the books say of its cost.

Format: https://github.com/cloudevents/spec, JSON batch mode. `id` and `source` together are unique.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from headgate.exports.events.event import Event, Request
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

NAME = "cloudevents"
EVENTS_MAX = 100
TYPE = "headgate.attempt.ended"


def request(events: list[Event]) -> Request:
    """Return a batch."""
    body = msgspec.json.encode([_event(each) for each in events])
    return Request("application/cloudevents-batch+json", body)


def lines(event: Event) -> Iterator[bytes]:
    """Yield the event as JSON."""
    yield msgspec.json.encode(_event(event))


def envelope(event: Event, id_: str, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a CloudEvent around its data."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": event.source,
        "type": type_,
        "subject": event.customer,
        "time": to_iso(event.at_ns),
        "datacontenttype": "application/json",
        "data": data,
    }


def _event(event: Event) -> dict[str, Any]:
    row = event.row
    data = {
        "call": row.call,
        "attempt": row.attempt,
        "team": row.team,
        "principal": row.principal,
        "run": row.run,
        "deployment": row.deployment,
        "model": event.model,
        "state": row.state,
        "usage": row.usage,
        "amount_usd": format_usd(row.posted_nanos),
        "amount_nanos": str(row.posted_nanos),
        "lines": [
            {
                "meter": part.meter,
                "quantity": part.quantity,
                "amount_nanos": str(part.amount_nanos),
                "price_row": part.price_row or None,
            }
            for part in event.parts
        ],
    }
    return envelope(event, event.id, TYPE, data)
