"""Preferences: of two calls, which answer was the better one; one word per pair and principal."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, func, select

from headgate.insights.votes import CHANGED, Judged, Kept
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.store.schema import METADATA

preference = Table(
    "preference",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("principal", String, nullable=False),
    Column("team", String, nullable=False),
    Column("pair", String, nullable=False),
    Column("preferred", String, nullable=False),
    Column("over", String, nullable=False),
    Column("preferred_model", String, nullable=False),
    Column("over_model", String, nullable=False),
    Column("call_ns", BigInteger, nullable=False),
    Index("preference_by_pair", "principal", "pair"),
    Index("preference_by_time", "principal", "at_ns"),
)
"""Rows are only ever added; the newest of a pair and principal counts. `pair` is both calls, in
the order of their ids."""


class Choice(NamedTuple):
    """Which of two calls somebody prefers, by their ids."""

    principal: str
    team: str
    preferred: str
    over: str

    @property
    def pair(self) -> str:
        """What both orders of the calls have in common."""
        return " ".join(sorted((self.preferred, self.over)))


def keep(
    connection: Connection, choice: Choice, answers: tuple[Judged, Judged], at_ns: int
) -> Kept:
    """Keep a choice; the same again changes nothing, the other one takes its place.

    Args:
        connection: Within the transaction.
        choice: What is preferred.
        answers: The preferred one, and the other.
        at_ns: The present.
    """
    hold_lock(connection, "votes")
    columns = preference.c
    same_pair = (columns.principal == choice.principal) & (columns.pair == choice.pair)
    before = connection.scalar(
        select(columns.preferred).where(same_pair).order_by(columns.seq.desc()).limit(1)
    )
    if before == choice.preferred:
        return "same"
    last = connection.scalar(select(func.max(columns.seq))) or 0
    preferred, over = answers
    values = {
        **choice._asdict(),
        "seq": last + 1,
        "at_ns": at_ns,
        "pair": choice.pair,
        "preferred_model": preferred.model,
        "over_model": over.model,
        "call_ns": min(preferred.call_ns, over.call_ns),
    }
    connection.execute(preference.insert().values(values))
    if before is None:
        return "new"
    event = Event(
        f"principal:{choice.principal}", CHANGED, f"pair:{choice.pair}", {"now": choice.preferred}
    )
    audit.append(connection, event, at_ns)
    return "changed"


def taken_since(connection: Connection, principal: str, since_ns: int) -> int:
    """Return how many choices of a principal were kept since an instant."""
    recent = (preference.c.principal == principal) & (preference.c.at_ns > since_ns)
    return int(connection.scalar(select(func.count()).where(recent)) or 0)


def duels(connection: Connection, since_ns: int | None = None) -> list[tuple[str, str]]:
    """Return (winner, loser) of each pair and principal, by model, as it counts now."""
    columns = preference.c
    last = select(func.max(columns.seq)).group_by(columns.principal, columns.pair)
    query = select(columns.preferred_model, columns.over_model).where(columns.seq.in_(last))
    if since_ns is not None:
        query = query.where(columns.call_ns >= since_ns)
    return [(winner, loser) for winner, loser in connection.execute(query.order_by(columns.seq))]
