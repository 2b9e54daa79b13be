"""Outcomes: whether what calls and runs were made for was reached, and what a result cost.

An outcome is told by whoever made the calls; what they cost is what the books say. A run's cost
is that of all its calls. Money and time are integers: nano-dollars and seconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    case,
    func,
    not_,
    select,
    union_all,
)

from headgate.ledger.tables import attempts, caller, is_of_call
from headgate.records.control import OutcomeKind
from headgate.store.dialect import upsert
from headgate.store.schema import METADATA

KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)
MAKERS_MAX = 64
Side = Literal["task", "principal", "team", "model", "kind"]

outcome = Table(
    "outcome",
    METADATA,
    Column("principal", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("team", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("value_nanos", BigInteger),
    Column("human_seconds", Integer),
    Column("task", String),
    Column("note", Text),
    Column("reopened", Integer, nullable=False, server_default="0"),
)
"""What became of a call, run or session, as its own principal tells it; the last word counts.

`reopened` is how often a success was taken back.
"""


class Outcome(NamedTuple):
    """What became of a call, a run or a session.

    Attributes:
        subject: The call's id, or the name of the run or session.
        value_nanos: What the result is worth, None when nobody says.
        human_seconds: How long people worked on it, review and repair; None when nobody says.
        task: What kind of work it was, None when nobody says.
    """

    principal: str
    team: str
    kind: OutcomeKind
    subject: str
    at_ns: int
    success: bool
    value_nanos: int | None = None
    human_seconds: int | None = None
    task: str | None = None
    note: str | None = None


@dataclass(slots=True)
class Results:
    """Sums over some outcomes.

    Attributes:
        name: What they have in common, None for those that have none.
        spend_nanos: What all their calls cost, those that came to nothing too.
        human_seconds: Over those that say.
        value_nanos: Over those that say.
        reopened: How often a success was taken back, whatever became of it then.
    """

    name: str | None
    outcomes: int = 0
    successes: int = 0
    spend_nanos: int = 0
    human_seconds: int = 0
    value_nanos: int = 0
    reopened: int = 0

    @property
    def per_success_nanos(self) -> int | None:
        """What one result cost, failures included; rounded up, None without a result."""
        return -(-self.spend_nanos // self.successes) if self.successes else None


def tell(connection: Connection, told: Outcome) -> bool:
    """Keep an outcome in place of an earlier one; False when its principal made no such call."""
    if not _is_own(connection, told):
        return False
    _keep(connection, told, told._asdict())
    return True


def tell_made(connection: Connection, told: Outcome) -> None:
    """Keep an outcome of what its principal certainly made, as `makers` has found.

    What it does not say of value, time and task stays as somebody else has told it.
    """
    said = {name: value for name, value in told._asdict().items() if value is not None}
    _keep(connection, told, said)


def _keep(connection: Connection, told: Outcome, said: Mapping[str, Any]) -> None:
    values = told._asdict()
    changed: dict[str, Any] = {
        name: said[name] for name in said if name not in outcome.primary_key.columns
    }
    statement = upsert(outcome).values(values)
    taken_back = and_(outcome.c.success, not_(statement.excluded.success))
    changed["reopened"] = outcome.c.reopened + case((taken_back, 1), else_=0)
    connection.execute(
        statement.on_conflict_do_update(index_elements=outcome.primary_key.columns, set_=changed)
    )


class Maker(NamedTuple):
    """Who made a call, run or session."""

    principal: str
    team: str


def makers(
    connection: Connection,
    kind: OutcomeKind,
    subject: str,
    principal: str | None,
    teams: Iterable[str],
) -> list[Maker]:
    """Return who made something, in order; several may have runs and sessions of one name.

    Args:
        connection: To the store.
        kind: What it is.
        subject: The call's id, or the name of the run or session.
        principal: Only this one, None for all of some teams.
        teams: These, where no principal is named.
    """
    made = {
        "run": caller.c.run == subject,
        "call": is_of_call(subject),
        "session": attempts.c.session == subject,
    }
    # A run is known by its callers, which are few, not by its attempts.
    columns = caller.c if kind == "run" else attempts.c
    who, team = columns.principal, columns.team
    whose = team.in_(tuple(teams)) if principal is None else who == principal
    query = select(who, team).where(made[kind], whose).distinct().order_by(who, team)
    # Somebody may have changed teams meanwhile: one of them counts.
    found = {row[0]: Maker(*row) for row in connection.execute(query.limit(MAKERS_MAX))}
    return list(found.values())


def _is_own(connection: Connection, told: Outcome) -> bool:
    if told.kind == "run":
        # A run is known by its callers, which are few, not by its attempts.
        own = (caller.c.principal == told.principal, caller.c.run == told.subject)
        return connection.scalar(select(caller.c.id).where(*own).limit(1)) is not None
    subject = (
        is_of_call(told.subject) if told.kind == "call" else attempts.c.session == told.subject
    )
    own = (attempts.c.principal == told.principal, subject)
    return connection.scalar(select(attempts.c.attempt).where(*own).limit(1)) is not None


def results(connection: Connection, side: Side, since_ns: int | None = None) -> list[Results]:
    """Return what results cost, by one side; the dearest first.

    Args:
        connection: To the store.
        side: What to group by; `model` is the one that most of a subject's money went to.
        since_ns: Outcomes told from here on, None for all.
    """
    found: dict[str | None, Results] = {}
    for row, spent in endings(connection, since_ns):
        name = _dearest(spent) if side == "model" else getattr(row, side)
        sums = found.setdefault(name, Results(name))
        sums.outcomes += 1
        sums.successes += row.success
        sums.spend_nanos += sum(cost.posted_nanos for cost in spent)
        sums.human_seconds += row.human_seconds or 0
        sums.value_nanos += row.value_nanos or 0
        sums.reopened += row.reopened
    return sorted(found.values(), key=lambda each: (-each.spend_nanos, each.name or ""))


class Cost(NamedTuple):
    """What the attempts of an outcome cost that one model served; None where none answered."""

    model: str | None
    posted_nanos: int


def endings(
    connection: Connection, since_ns: int | None
) -> Iterator[tuple[Row[Any], Sequence[Cost]]]:
    """Yield each row of `outcome` told since then (None: ever), with what its calls cost."""
    costs: dict[tuple[str, str, str], list[Cost]] = {}
    for row in connection.execute(_costs(since_ns)):
        key = (row.principal, row.kind, row.subject)
        costs.setdefault(key, []).append(Cost(row.served_model, row.posted_nanos or 0))
    query = select(outcome)
    if since_ns is not None:
        query = query.where(outcome.c.at_ns >= since_ns)
    for row in connection.execute(query):
        yield row, costs.get((row.principal, row.kind, row.subject), [])


def _dearest(costs: Iterable[Cost]) -> str | None:
    return max(costs, key=lambda each: each.posted_nanos, default=Cost(None, 0)).model


def _costs(since_ns: int | None) -> CompoundSelect[*tuple[Any, ...]]:
    """Select what each outcome's attempts cost, by the model that served them."""
    subject = outcome.c.subject
    of_call = and_(
        outcome.c.kind == "call",
        attempts.c.attempt > subject.concat("."),
        attempts.c.attempt < subject.concat("/"),
    )
    of_run = and_(outcome.c.kind == "run", attempts.c.run == subject)
    of_session = and_(outcome.c.kind == "session", attempts.c.session == subject)
    parts = []
    for condition in (of_call, of_run, of_session):
        joined = outcome.join(
            attempts, and_(attempts.c.principal == outcome.c.principal, condition)
        )
        part = select(
            *outcome.primary_key.columns,
            attempts.c.served_model,
            func.sum(attempts.c.posted_nanos + attempts.c.adjusted_nanos).label("posted_nanos"),
        ).select_from(joined)
        if since_ns is not None:
            part = part.where(outcome.c.at_ns >= since_ns)
        parts.append(part.group_by(*outcome.primary_key.columns, attempts.c.served_model))
    return union_all(*parts)
