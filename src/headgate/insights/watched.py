"""What attempts of the books show of their deployments: whether they were served, and how soon."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Select, select
from sqlalchemy.engine import RowMapping

from headgate.ledger.rows import usage_of_row
from headgate.ledger.tables import attempt, route
from headgate.records.charge import HEDGE_LOST
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

LEFT = ("client_gone", HEDGE_LOST)
"""Why attempts end that nobody waits for any more; how long they were waited for says something."""


class Running(NamedTuple):
    """An attempt that has not ended.

    Attributes:
        at_ns: When it was sent.
    """

    attempt: str
    deployment: str
    model: str
    at_ns: int


def sent(
    connection: Connection, since_ns: int, until_ns: int, models: Mapping[str, str], most: int
) -> Iterator[tuple[str, Seen | Running]]:
    """Yield what the first attempts show that were sent in a stretch of time, with their ids.

    Args:
        connection: To the store.
        since_ns: The first instant.
        until_ns: The first instant that is too late.
        models: By deployment, its model; attempts at others are passed over.
        most: So many attempts at most.
    """
    at_ns = attempt.c.at_ns
    query = _query().where(at_ns >= since_ns, at_ns < until_ns)
    return _shown(connection, query.order_by(at_ns, attempt.c.attempt).limit(most), models)


def now(
    connection: Connection, attempts: Collection[str], models: Mapping[str, str]
) -> Iterator[tuple[str, Seen | Running]]:
    """Yield what these attempts show by now; those that say nothing are left out."""
    return _shown(connection, _query().where(attempt.c.attempt.in_(attempts)), models)


def _query() -> Select[tuple[object, ...]]:
    columns = attempt.c
    return select(
        *(columns.attempt, columns.at_ns, columns.state, columns.reason, columns.status),
        *(columns.stream, columns.ttft_us, columns.duration_us, columns.usage, columns.lines),
        route.c.deployment,
    ).join(route, route.c.id == columns.route)


def _shown(
    connection: Connection, query: Select[tuple[object, ...]], models: Mapping[str, str]
) -> Iterator[tuple[str, Seen | Running]]:
    for row in connection.execute(query).mappings():
        id_, deployment = row["attempt"], row["deployment"]
        model = models.get(deployment)
        if model is None:
            continue
        if row["state"] == "held":
            yield id_, Running(id_, deployment, model, row["at_ns"])
        elif (found := _seen(row, model)) is not None:
            yield id_, found


def _seen(row: RowMapping, model: str) -> Seen | None:
    """Return what an attempt shows that has ended, None if nothing."""
    deployment, streams, took_us = row["deployment"], row["stream"], row["duration_us"]
    served = _served(row)
    if served is None:
        left = row["reason"] in LEFT and row["ttft_us"] is None and row["state"] != "void"
        return Seen(deployment, model, None, waited_us=took_us, streams=streams) if left else None
    if not served:
        return Seen(deployment, model, served=False)
    first_us, token_us = (row["ttft_us"], None) if streams else (None, _token_us(row))
    return Seen(deployment, model, True, first_us, token_us, took_us, streams=streams)


def _served(row: RowMapping) -> bool | None:
    """Tell whether an attempt was served; None where it says nothing of its deployment."""
    reason = row["reason"]
    if reason in (None, HEDGE_LOST):
        return True if row["state"] == "measured" else None
    refused = reason == "upstream_error" and 400 <= row["status"] < 500
    return False if reason.startswith(UNREACHED) or (reason in FAULTS and not refused) else None


def _token_us(row: RowMapping) -> int | None:
    counts = usage_of_row(row).items()
    tokens = sum(count for meter, count in counts if meter.startswith("output_"))
    return row["duration_us"] // tokens if tokens >= TOKENS_MIN else None
