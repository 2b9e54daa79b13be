"""Votes on calls as the store has them: each word of each voter is a row, and none is changed.

A vote is tied to the attempt that answered, so to its deployment, its model and the decision by
which it was chosen. The newest word of a principal and source about a subject counts.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    select,
    union_all,
)
from sqlalchemy.engine import RowMapping

from headgate.ledger.tables import attempt, attempts, caller, is_of_call
from headgate.records.charge import HEDGE_LOST
from headgate.routing.learning.votes import SOURCES, Vote
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.store.schema import METADATA

Kind = Literal["call", "run", "session"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Kept = Literal["new", "same", "changed"]

CHANGED = "feedback.changed"
PPM = 1_000_000
"""Scores and chances are kept as whole millionths, so that equal ones are equal."""

RUN_ROWS_MAX = 100_000

vote = Table(
    "vote",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("principal", String, nullable=False),
    Column("team", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("source", String, nullable=False),
    Column("score_ppm", Integer, nullable=False),
    Column("label", String),
    Column("comment", Text),
    Column("replaces", Integer),
    Column("attempt", String, nullable=False),
    Column("call_ns", BigInteger, nullable=False),
    Column("deployment", String, nullable=False),
    Column("model", String, nullable=False),
    Column("journal", String, nullable=False),
    Column("decision", Integer, nullable=False),
    Column("expected_ppm", Integer),
    Column("propensity_ppm", Integer),
    Column("clusters", Text, nullable=False, server_default="[]"),
    Index("vote_by_subject", "principal", "kind", "subject", "source", "seq"),
    Index("vote_by_time", "principal", "at_ns"),
    Index("vote_of_attempt", "attempt", "source", "seq"),
)
"""What was said of calls, runs and sessions; rows are only ever added."""


class Judged(NamedTuple):
    """The attempt that a vote is about.

    Attributes:
        call_ns: When it was sent.
        model: As its deployment is configured, or as the provider named it.
        journal: Of the worker that made the decision.
        decision: The number of the decision in it.
        expected_ppm: What the decision expected of the model, None where it did not say.
        propensity_ppm: With what chance it chose this deployment, None where there was none.
        clusters: The clusters of the text and its shares of them, as JSON.
    """

    attempt: str
    call_ns: int
    deployment: str
    model: str
    journal: str
    decision: int
    expected_ppm: int | None = None
    propensity_ppm: int | None = None
    clusters: str = "[]"


class Word(NamedTuple):
    """What somebody says of a call, run or session.

    Attributes:
        score_ppm: Millionths: 0 is bad, a million is good.
        label: What kind of work it was, or what was wrong; None for nothing.
        comment: None unless the configuration says that comments are kept.
    """

    principal: str
    team: str
    kind: Kind
    subject: str
    source: str
    score_ppm: int
    label: str | None = None
    comment: str | None = None


def own_attempts(principal: str, kind: Kind, subject: str) -> ColumnElement[bool]:
    """Select a principal's attempts of a call, run or session.

    Of a run they are looked for among the newest `RUN_ROWS_MAX` of all: attempts are found by their
    time, and a vote must not read the whole store.
    """
    own = attempts.c.principal == principal
    if kind == "call":
        return own & is_of_call(subject)
    if kind == "session":
        return own & (attempts.c.session == subject)
    newest = (
        select(attempt.c.attempt, attempt.c.caller)
        .order_by(attempt.c.at_ns.desc())
        .limit(RUN_ROWS_MAX)
        .subquery()
    )
    of_run = (caller.c.principal == principal) & (caller.c.run == subject)
    joined = newest.join(caller, caller.c.id == newest.c.caller)
    return own & attempts.c.attempt.in_(select(newest.c.attempt).select_from(joined).where(of_run))


def judged(connection: Connection, own: ColumnElement[bool]) -> RowMapping | Literal[False] | None:
    """Return the attempt that a vote is about; None when nothing answered, False without any call.

    Of a run or session it is the last of the deployment that most money went to: a verdict on
    the whole is told to whom it is owed most.
    """
    if connection.scalar(select(attempts.c.attempt).where(own).limit(1)) is None:
        return False
    reason = attempts.c.reason
    answered = own & attempts.c.status.between(200, 299) & attempts.c.ended_ns.is_not(None)
    answered &= reason.is_(None) | (reason != HEDGE_LOST)
    dearest = (
        select(attempts.c.deployment)
        .where(answered)
        .group_by(attempts.c.deployment)
        .order_by(func.sum(attempts.c.posted_nanos).desc(), attempts.c.deployment)
        .limit(1)
    )
    query = (
        select(attempts)
        .where(answered, attempts.c.deployment == dearest.scalar_subquery())
        .order_by(attempts.c.at_ns.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def taken_since(connection: Connection, principal: str, since_ns: int) -> int:
    """Return how many words of a principal were kept since an instant."""
    counted = select(func.count()).where(vote.c.principal == principal, vote.c.at_ns > since_ns)
    return int(connection.scalar(counted) or 0)


def keep(connection: Connection, word: Word, about: Judged, at_ns: int) -> Kept:
    """Keep a word; a repeat of it changes nothing, another one takes its place in what counts."""
    hold_lock(connection, "votes")
    before = newest(connection, word)
    if before is not None and (before["score_ppm"], before["label"]) == (
        word.score_ppm,
        word.label,
    ):
        return "same"
    last = connection.scalar(select(func.max(vote.c.seq))) or 0
    values = {**word._asdict(), **about._asdict(), "seq": last + 1, "at_ns": at_ns}
    values["replaces"] = None if before is None else before["seq"]
    connection.execute(insert(vote).values(values))
    if before is None:
        return "new"
    detail = {
        "source": word.source,
        "before_ppm": before["score_ppm"],
        "now_ppm": word.score_ppm,
    }
    actor, subject = f"principal:{word.principal}", f"{word.kind}:{word.subject}"
    audit.append(connection, Event(actor, CHANGED, subject, detail), at_ns)
    return "changed"


def newest(connection: Connection, word: Word) -> RowMapping | None:
    """Return what the same voter said last of the same subject, None for nothing."""
    query = (
        select(vote)
        .where(
            vote.c.principal == word.principal,
            vote.c.kind == word.kind,
            vote.c.subject == word.subject,
            vote.c.source == word.source,
        )
        .order_by(vote.c.seq.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


class Heard(NamedTuple):
    """A vote to learn from, and what its voter said before.

    Attributes:
        replaced: The earlier word of the same source on the same subject, None for a first one.
        others: The latest earlier words of other sources on the same subject, one of each.
    """

    vote: Vote
    replaced: Vote | None
    others: tuple[Vote, ...]


def votes_after(connection: Connection, seq: int, limit: int) -> list[Heard]:
    """Return the votes behind a number, in order."""
    query = select(vote).where(vote.c.seq > seq).order_by(vote.c.seq).limit(limit)
    rows = list(connection.execute(query).mappings())
    replaced = _by_seq(connection, [row["replaces"] for row in rows if row["replaces"]])
    beside = _said_before(connection, rows, (vote.c.attempt,))
    others = _said_before(connection, rows, (vote.c.principal, vote.c.kind, vote.c.subject))
    return [
        Heard(
            _vote(row, tuple((each["source"], each["score_ppm"] / PPM) for each in said)),
            replaced.get(row["replaces"]),
            tuple(_vote(each, ()) for each in of_subject),
        )
        for row, said, of_subject in zip(rows, beside, others, strict=True)
    ]


def _said_before(
    connection: Connection, rows: list[RowMapping], about: tuple[Column[str], ...]
) -> list[list[RowMapping]]:
    """Return for each of some votes in order what other sources said last of the same before it.

    Args:
        connection: To the store.
        rows: Votes that follow each other.
        about: The columns in which those agree that are of the same.
    """
    names = [column.name for column in about]
    latest: dict[tuple[str, ...], dict[str, RowMapping]] = {}
    for each in _latest(connection, rows, about) if rows else ():
        latest.setdefault(tuple(each[name] for name in names), {})[each["source"]] = each
    found = []
    for row in rows:
        said = latest.setdefault(tuple(row[name] for name in names), {})
        found.append([each for source, each in said.items() if source != row["source"]])
        said[row["source"]] = row
    return found


def _latest(
    connection: Connection, rows: list[RowMapping], about: tuple[Column[str], ...]
) -> Iterable[RowMapping]:
    """Return the last word of each source of the same as some votes, before the first of these.

    Each is looked up in an index: however often somebody has changed his mind, one row is read.
    """
    first, last = rows[0]["seq"], rows[-1]["seq"]
    asked = select(*about).where(vote.c.seq.between(first, last)).distinct().subquery()
    earlier = vote.alias()
    same = and_(*(earlier.c[column.name] == asked.c[column.name] for column in about))
    newest_of = select(func.max(earlier.c.seq)).where(same, earlier.c.seq < first).correlate(asked)
    by_source = (
        select(newest_of.where(earlier.c.source == source).scalar_subquery()).select_from(asked)
        for source in SOURCES
    )
    query = select(vote).where(vote.c.seq.in_(union_all(*by_source)))
    return connection.execute(query).mappings()


def _by_seq(connection: Connection, numbers: list[int]) -> dict[int, Vote]:
    query = select(vote).where(vote.c.seq.in_(numbers))
    rows = connection.execute(query).mappings() if numbers else ()
    return {row["seq"]: _vote(row, ()) for row in rows}


def _vote(row: RowMapping, beside: tuple[tuple[str, float], ...]) -> Vote:
    expected = row["expected_ppm"]
    shares = msgspec.json.decode(row["clusters"], type=tuple[tuple[int, int], ...])
    return Vote(
        seq=row["seq"],
        call_ns=row["call_ns"],
        deployment=row["deployment"],
        model=row["model"],
        source=row["source"],
        score=row["score_ppm"] / PPM,
        expected=None if expected is None else expected / PPM,
        shares=tuple((cluster, share / PPM) for cluster, share in shares),
        beside=beside,
    )
