"""What a session cost so far, and who served it: all its attempts in the books."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from headgate.insights.calls import OpenedCall
from headgate.ledger.tables import attempts


class SessionSum(NamedTuple):
    """A session's attempts.

    Attributes:
        name: As its client calls it, or what stands for it where calls are routed by sessions.
        attempts: How many there are, in all.
        spend_nanos: What they cost, corrections included.
        since_ns: When the first was made.
        deployments: How many went where, the most first.
    """

    name: str
    attempts: int
    spend_nanos: int
    since_ns: int
    deployments: dict[str, int]


def session_of_call(connection: Connection, opened: OpenedCall) -> SessionSum | None:
    """Return the session that a call is of, None when it is of none; a principal's are its own."""
    first = next(iter(opened.attempts), None)
    if first is None or first.session is None:
        return None
    query = (
        select(
            attempts.c.deployment,
            func.count(),
            func.sum(attempts.c.posted_nanos + attempts.c.adjusted_nanos),
            func.min(attempts.c.at_ns),
        )
        .where(attempts.c.session == first.session, attempts.c.principal == first.principal)
        .group_by(attempts.c.deployment)
    )
    rows = sorted(connection.execute(query), key=lambda row: (-row[1], row[0]))
    return SessionSum(
        first.session,
        sum(row[1] for row in rows),
        sum(int(row[2]) for row in rows),
        min(row[3] for row in rows),
        {row[0]: row[1] for row in rows},
    )
