"""Past decisions with what was said of them: what another policy can be judged by."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from headgate.insights.votes import PPM, vote
from headgate.ledger.tables import decision
from headgate.records.journal import CandidateRecord, DecisionRecord

PAST_MAX = 100_000

_decode = msgspec.json.Decoder(DecisionRecord).decode


class Voted(NamedTuple):
    """A decision, whom it chose, and the newest word of whoever voted on it.

    Attributes:
        score: Within 0 and 1.
        propensity: With what chance whoever answered was chosen; 1 where nothing was left to it.
    """

    record: DecisionRecord
    deployment: str
    score: float
    propensity: float

    def expected(self, deployment: str) -> float | None:
        """Return what the decision expected of a deployment, None where nothing."""
        found = next(
            (each for each in self.record.candidates if each.deployment == deployment), None
        )
        return None if found is None else _expected(found)


def _expected(candidate: CandidateRecord) -> float | None:
    return None if candidate.estimate is None else candidate.estimate.quality_ppm / PPM


def voted(connection: Connection, asked: Callable[[str], bool], since_ns: int) -> Iterator[Voted]:
    """Yield votes on calls as they count now, the newest `PAST_MAX` of them.

    Args:
        connection: To the store.
        asked: Tells of which aliases.
        since_ns: Calls made from here on.
    """
    columns = vote.c
    last = select(func.max(columns.seq)).group_by(
        columns.principal, columns.kind, columns.subject, columns.source
    )
    joined = vote.join(
        decision, (decision.c.journal == columns.journal) & (decision.c.number == columns.decision)
    )
    query = (
        select(columns.deployment, columns.score_ppm, columns.propensity_ppm, decision.c.record)
        .select_from(joined)
        .where(columns.seq.in_(last), columns.call_ns >= since_ns)
        .order_by(columns.seq.desc())
        .limit(PAST_MAX)
    )
    for deployment, score, propensity, record in connection.execute(query):
        made = _decode(record)
        if asked(made.asked):
            chance = 1.0 if propensity is None else propensity / PPM
            yield Voted(made, deployment, score / PPM, chance)
