"""Webhooks: whoever is told of changes is told each entry of the audit chain, in order.

Messages have the form of Standard Webhooks (https://www.standardwebhooks.com): the headers
`webhook-id`, `webhook-timestamp` and `webhook-signature`, which is `v1,` and the base64 of an
HMAC-SHA-256 over `id.timestamp.body`. How far each webhook has been told is kept in the store,
so that nothing is missed over a restart; what could not be delivered is sent again, and so may
come twice: `webhook-id` is the same then.
"""

from typing import NamedTuple

import msgspec
from sqlalchemy import Column, Connection, Integer, String, Table, func, select

from headgate.insights.settings import Webhook
from headgate.store import audit
from headgate.store.audit import Entry
from headgate.store.dialect import upsert
from headgate.store.schema import METADATA
from headgate.trackers.signatures import standard_mark
from headgate.units.instants import NANOS_PER_SECOND, to_iso

BATCH_MAX = 100
GIVEN_UP_NS = 3 * 86_400 * NANOS_PER_SECOND
"""What nobody took for three days is told no more."""

webhook = Table(
    "webhook",
    METADATA,
    Column("id", String, primary_key=True),
    Column("told_seq", Integer, nullable=False),
)
"""How far each webhook has been told of the audit chain."""


class Message(NamedTuple):
    """What is posted."""

    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Message({len(self.body)} bytes)"


def due(connection: Connection, hook: Webhook, now_ns: int) -> list[Entry]:
    """Return the entries a webhook has not been told of, oldest first, at most `BATCH_MAX`.

    One that was never told anything begins at the end of the chain.
    """
    told = connection.scalar(select(webhook.c.told_seq).where(webhook.c.id == hook.id))
    if told is None:
        newest = connection.scalar(select(func.max(audit.audit.c.seq)))
        note_told(connection, hook.id, newest or 0)
        return []
    found = list(audit.entries(connection, after=told, limit=BATCH_MAX))
    return [entry for entry in found if now_ns - entry.at_ns <= GIVEN_UP_NS] or found[-1:]


def note_told(connection: Connection, hook: str, seq: int) -> None:
    """Keep how far a webhook has been told."""
    values = {"id": hook, "told_seq": seq}
    statement = upsert(webhook).values(values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"told_seq": seq})
    )


def message_of(hook: Webhook, entry: Entry, at_s: int) -> Message:
    """Return an entry as it is posted, signed."""
    said = {
        "type": entry.action,
        "timestamp": to_iso(entry.at_ns),
        "data": {
            "seq": entry.seq,
            "actor": entry.actor,
            "subject": entry.subject,
            "detail": msgspec.Raw(entry.detail.encode()),
            "hash": entry.hash,
        },
    }
    body = msgspec.json.encode(said)
    name = f"hg_{entry.seq}_{entry.hash[:16]}"
    headers = {"content-type": "application/json", "user-agent": "headgate"}
    return Message({**headers, **signature(hook.secret, name, at_s, body)}, body)


def signature(secret: str, name: str, at_s: int, body: bytes) -> dict[str, str]:
    """Return the headers that say that a body is ours: its id, when it was sent, and the mark."""
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at_s),
        "webhook-signature": standard_mark(secret, name, str(at_s), body),
    }
