"""What experiments and shadows came to: calls by what their policy noted of the decision."""

from dataclasses import dataclass, field

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, and_, select

from headgate.ledger.tables import attempts, decision

NOTED = '%"notes":{%'
ROWS_PER_FETCH = 1_000


class _Noted(Struct):
    """The part of a decision's record that is looked at."""

    notes: dict[str, str | int] = {}


@dataclass(slots=True)
class Trial:
    """The attempts of which a policy noted the same.

    Attributes:
        policy: As the configuration calls it.
        noted: An experiment's arm; whom a shadow would have chosen.
        served: How many attempts were served, of all that are `attempts`.
        same: How many went to the deployment that was noted.
        posted_nanos: What they cost.
        duration_us: How long those that were served took in all.
    """

    policy: str
    noted: str
    attempts: int = 0
    served: int = 0
    same: int = 0
    posted_nanos: int = 0
    duration_us: int = 0
    deployments: dict[str, int] = field(default_factory=dict)


def trials(connection: Connection, since_ns: int | None) -> tuple[Trial, ...]:
    """Return what was noted of attempts that began since an instant (None: ever), by policy."""
    of_it = and_(decision.c.journal == attempts.c.journal, decision.c.number == attempts.c.decision)
    query = (
        select(
            attempts.c.deployment,
            attempts.c.status,
            attempts.c.posted_nanos,
            attempts.c.duration_us,
            decision.c.record,
        )
        .select_from(attempts.join(decision, of_it))
        .where(decision.c.record.like(NOTED))
    )
    if since_ns is not None:
        query = query.where(attempts.c.at_ns >= since_ns)
    found: dict[tuple[str, str], Trial] = {}
    rows = connection.execution_options(yield_per=ROWS_PER_FETCH).execute(query)
    for deployment, status, posted_nanos, duration_us, record in rows:
        for policy, said in msgspec.json.decode(record, type=_Noted).notes.items():
            trial = found.setdefault((policy, str(said)), Trial(policy, str(said)))
            trial.attempts += 1
            trial.same += deployment == said
            trial.posted_nanos += posted_nanos
            trial.deployments[deployment] = trial.deployments.get(deployment, 0) + 1
            if status == 200:
                trial.served += 1
                trial.duration_us += duration_us
    return tuple(each for _, each in sorted(found.items()))
