"""What attempts of the books show of their deployments: whether they were served, and how soon."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.ledger.rows import usage_of_row
from headgate.ledger.tables import attempt, route
from headgate.routing.learning.watch import Seen

TOKENS_MIN = 16
"""What fewer tokens took says little about each."""

FAULTS = frozenset(
    {
        *("upstream_error", "upstream_overloaded", "upstream_timeout", "upstream_credential"),
        *("connection_lost", "stream_cut", "provider_error", "empty_stream", "encoded_stream"),
        *("reply_too_large", "reply_unreadable"),
        *("total_timeout", "first_byte_timeout", "idle_timeout"),
    }
)
"""Why attempts end for a reason that lies with the deployment; a call that it rightly refuses, a
rate limit and a client that left say nothing of it."""

UNREACHED = ("connect", "tls: ", "proxy: ")
"""How reasons begin for which no connection could be opened."""


def seen(
    connection: Connection, since_ns: int, until_ns: int, models: Mapping[str, str], most: int
) -> Iterator[Seen]:
    """Yield what the first attempts show that were sent in a stretch of time and have ended.

    Args:
        connection: To the store.
        since_ns: The first instant.
        until_ns: The first instant that is too late.
        models: By deployment, its model; attempts at others are passed over.
        most: So many attempts at most.
    """
    columns = attempt.c
    query = (
        select(
            *(columns.state, columns.reason, columns.status, columns.stream, columns.ttft_us),
            *(columns.duration_us, columns.usage, columns.lines, route.c.deployment),
        )
        .join(route, route.c.id == columns.route)
        .where(columns.at_ns >= since_ns, columns.at_ns < until_ns, columns.state != "held")
        .order_by(columns.at_ns, columns.attempt)
        .limit(most)
    )
    for row in connection.execute(query).mappings():
        model, served = models.get(row["deployment"]), _served(row)
        if model is not None and served is not None:
            timed = (row["ttft_us"], None) if row["stream"] else (None, _token_us(row))
            yield Seen(row["deployment"], model, served, *(timed if served else ()))


def _served(row: RowMapping) -> bool | None:
    """Tell whether an attempt was served; None where it says nothing of its deployment."""
    reason = row["reason"]
    if reason is None:
        return True if row["state"] == "measured" else None
    refused = reason == "upstream_error" and 400 <= row["status"] < 500
    return False if reason.startswith(UNREACHED) or (reason in FAULTS and not refused) else None


def _token_us(row: RowMapping) -> int | None:
    counts = usage_of_row(row).items()
    tokens = sum(count for meter, count in counts if meter.startswith("output_"))
    return row["duration_us"] // tokens if tokens >= TOKENS_MIN else None
