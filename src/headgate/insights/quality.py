"""Deployments whose answers became worse: kept while that is so, and told in the audit chain."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, select, update

from headgate.insights.votes import PPM
from headgate.routing.learning.learner import Drift
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock, upsert
from headgate.store.schema import METADATA

WORSE, SETTLED = "quality.worse", "quality.settled"

quality_alarm = Table(
    "quality_alarm",
    METADATA,
    Column("deployment", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("votes", Integer, nullable=False),
    Column("usual_ppm", Integer, nullable=False),
    Column("now_ppm", Integer, nullable=False),
    Column("ended_ns", BigInteger),
)
"""The last drift of each deployment as each source saw it; `ended_ns` is null while it counts."""


class Worse(NamedTuple):
    """A deployment that is worse than it was.

    Attributes:
        source: Who saw it.
        votes: Over how many votes.
        usual_ppm: The share of good ones before, in millionths; `now_ppm` that in these votes.
    """

    deployment: str
    source: str
    model: str
    since_ns: int
    votes: int
    usual_ppm: int
    now_ppm: int


def raise_alarm(connection: Connection, drift: Drift, seq: int, at_ns: int) -> bool:
    """Keep a drift and tell of it; False when it was told before, at this vote or a later one."""
    hold_lock(connection, "quality")
    columns = quality_alarm.c
    same = (columns.deployment == drift.deployment, columns.source == drift.source)
    known = connection.scalar(select(columns.seq).where(*same))
    if known is not None and known >= seq:
        return False
    usual, now = round(drift.usual * PPM), round(drift.now * PPM)
    told: dict[str, str | int | None] = {
        "model": drift.model,
        "votes": drift.votes,
        "usual_ppm": usual,
        "now_ppm": now,
    }
    values = {**told, "since_ns": at_ns, "seq": seq, "ended_ns": None}
    statement = upsert(quality_alarm).values(
        deployment=drift.deployment, source=drift.source, **values
    )
    keys = [columns.deployment, columns.source]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
    event = Event("steward", WORSE, f"deployment:{drift.deployment}", told | _of(drift.source))
    audit.append(connection, event, at_ns)
    return True


def settle(connection: Connection, settled: Collection[tuple[str, str]], at_ns: int) -> None:
    """End the alarms of deployments, each as a source sees it, of which enough is known anew."""
    for each in worse(connection):
        if (each.deployment, each.source) not in settled:
            continue
        same = quality_alarm.c.deployment == each.deployment, quality_alarm.c.source == each.source
        connection.execute(update(quality_alarm).where(*same).values(ended_ns=at_ns))
        event = Event("steward", SETTLED, f"deployment:{each.deployment}", _of(each.source))
        audit.append(connection, event, at_ns)


def worse(connection: Connection) -> list[Worse]:
    """Return the deployments that are worse than they were, the newest first."""
    columns = [quality_alarm.c[name] for name in Worse._fields]
    query = select(*columns).where(quality_alarm.c.ended_ns.is_(None))
    return [
        Worse(*row) for row in connection.execute(query.order_by(quality_alarm.c.since_ns.desc()))
    ]


def _of(source: str) -> dict[str, str | int | None]:
    return {"source": source}
