"""What a vote is tied to: the attempt that answered, and the decision by which it was chosen."""

import math
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.catalog.settings import Deployment
from headgate.insights.votes import PPM, Judged
from headgate.ledger.tables import decision
from headgate.routing.learning.votes import CLUSTER
from headgate.routing.policies.explore import PROPENSITY
from headgate.routing.quality.standing import LEARNED, MILLI


class _Estimate(Struct):
    terms: dict[str, int] = {}


class _Candidate(Struct):
    deployment: str
    place: int = 0
    estimate: _Estimate | None = None


class _Decision(Struct):
    candidates: tuple[_Candidate, ...] = ()
    inputs: dict[str, int] = {}
    notes: dict[str, str | int] = {}


_decode = msgspec.json.Decoder(_Decision).decode


def judged_of(
    connection: Connection, row: RowMapping, deployments: Mapping[str, Deployment]
) -> Judged:
    """Return what is judged, from the row of an attempt.

    Args:
        connection: To the store, for the decision.
        row: Of `attempts`.
        deployments: As they are configured now; one that is no more goes by its served model.
    """
    deployment = deployments.get(row["deployment"])
    model = row["served_model"] if deployment is None else deployment.priced_as
    made = _decision(connection, row)
    expected = {each.deployment: each.estimate for each in made.candidates}.get(row["deployment"])
    # Chance is told of whom the policy put first. Whoever came behind it, because the first failed
    # or was full, was chosen with no chance that is known.
    first = {each.deployment for each in made.candidates if each.place == 1}
    propensity = made.notes.get(PROPENSITY) if row["deployment"] in first else None
    return Judged(
        attempt=row["attempt"],
        call_ns=row["at_ns"],
        deployment=row["deployment"],
        model=model or row["deployment"],
        journal=row["journal"],
        decision=row["decision"],
        expected_ppm=None if expected is None else _expected_ppm(expected.terms),
        propensity_ppm=propensity if isinstance(propensity, int) else None,
        clusters=_clusters(made.inputs),
    )


def _decision(connection: Connection, row: RowMapping) -> _Decision:
    named = (decision.c.journal == row["journal"], decision.c.number == row["decision"])
    text = connection.scalar(select(decision.c.record).where(*named))
    return _Decision() if text is None else _decode(text)


def _expected_ppm(terms: Mapping[str, int]) -> int | None:
    """Return what was expected before any vote; None where nothing was."""
    before = [milli for name, milli in terms.items() if name != LEARNED]
    return round(PPM / (1 + math.exp(-sum(before) / MILLI))) if before else None


def _clusters(inputs: Mapping[str, int]) -> str:
    shares = [
        (int(name.removeprefix(CLUSTER)), share)
        for name, share in inputs.items()
        if name.startswith(CLUSTER)
    ]
    return msgspec.json.encode(sorted(shares)).decode()
