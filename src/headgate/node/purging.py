"""Purging: every worker forgets the replies that it keeps to give them again.

The audit chain is where it stands that and when this was done, so that workers of other nodes,
and those that start later, obey it as well.
"""

from msgspec import Struct
from sqlalchemy import Connection, func, select

from headgate.store.audit import Event, audit

ACTION = "responses.purged"


class Purge(Struct, frozen=True, tag_field="type", tag="purge"):
    """Has all kept replies forgotten; a message as those of `node.messages`."""

    reason: str = ""
    by: str = "unknown"


def event_of(message: Purge) -> Event:
    """Return what the audit chain is told."""
    return Event(message.by, ACTION, "responses", {"reason": message.reason})


def purged_ns(connection: Connection) -> int:
    """Return when replies were last purged, 0 for never."""
    latest = select(func.max(audit.c.at_ns)).where(audit.c.action == ACTION)
    return connection.scalar(latest) or 0
