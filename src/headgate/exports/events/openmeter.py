"""OpenMeter: a CloudEvent per attempt and meter, for meters that add up one property.

Format: https://openmeter.io/docs/metering/events/usage-events. It drops an `id` it has seen from a
`source` within 32 days, where that is switched on.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from headgate.exports.events.cloudevents import envelope
from headgate.exports.events.event import Event, Request
from headgate.units.money import format_usd

NAME = "openmeter"
EVENTS_MAX = 100


def request(events: list[Event]) -> Request:
    """Return a batch."""
    body = msgspec.json.encode([each for event in events for each in _events(event)])
    return Request("application/cloudevents-batch+json", body)


def lines(event: Event) -> Iterator[bytes]:
    """Yield the events as JSON."""
    yield from map(msgspec.json.encode, _events(event))


def _events(event: Event) -> Iterator[dict[str, Any]]:
    for part in event.parts:
        data = {
            "meter": part.meter,
            "quantity": part.quantity,
            "amount_usd": format_usd(part.amount_nanos),
            "model": event.model,
            "deployment": event.row.deployment,
            "team": event.row.team,
            "principal": event.row.principal,
        }
        yield envelope(event, event.id_of(part), event.name, data)
