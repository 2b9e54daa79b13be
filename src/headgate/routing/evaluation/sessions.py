"""Evaluating tasks: choose a policy for whole tasks on one part, replay it on the other."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from headgate.routing.evaluation import cascades, choosing, evidence
from headgate.routing.evaluation.cascades import Cascade, Expected, TaskPolicy, Verifier
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.evaluation.result import Point, Single
from headgate.routing.evaluation.summary import oracle, point
from headgate.routing.quality.sparse import Floats

FOLDS = 5
ROWS_MIN = 40
POOL_MAX = 16
QUARTILES = 4


class Quartile(Struct, frozen=True, kw_only=True):
    """A quarter of the tasks, by how many calls the models took for them (their median).

    Attributes:
        calls_min: The fewest calls of its tasks.
        calls_max: The most.
        point: Against the best single model on the same tasks.
    """

    calls_min: float
    calls_max: float
    tasks: int
    point: Point


class PolicyView(Struct, frozen=True, kw_only=True):
    """A kind of policy: what was chosen on the training part, and what it made of the test part.

    Attributes:
        chosen: The policies chosen, in words, with how many folds chose each.
        quartiles: From the shortest tasks to the longest; empty where calls are unknown.
    """

    chosen: dict[str, int]
    point: Point
    quartiles: list[Quartile]


class SessionsResult(Struct, frozen=True, kw_only=True):
    """What `headgate routing eval-sessions --json` prints.

    Attributes:
        verifier_is_simulated: Always true: it errs at the given rates, whatever the task.
        zero_router: Models mixed at random to the best single model's score.
    """

    protocol: str
    seed: int
    models: list[str]
    test_rows: int
    dropped_rows: int
    true_positive_rate: float
    false_positive_rate: float
    verifier_is_simulated: bool
    cascade: PolicyView
    step_cap: PolicyView
    cheapest_model: PolicyView
    zero_router: Point
    best_single: Single
    cheapest: Single
    oracle: Single


def evaluate(
    train: Evidence, test: Evidence | None, verifier: Verifier, seed: int
) -> SessionsResult:
    """Evaluate cascades and step caps; without `test` by five-fold cross-validation.

    Raises:
        EvidenceError: Too few tasks, or too many models to try every chain of.
    """
    _require(train)
    made = [(train, test)] if test is not None else evidence.folds(train, FOLDS, seed)
    tests = evidence.joined([unseen for _, unseen in made])
    best = [cascades.single(cascades.best_single(learned)) for learned, _ in made]
    reference = _replayed(best, made)
    chains = [cascades.choose(one, _chains(one, verifier)) for one, _ in made]
    capped = [cascades.choose(one, cascades.step_caps(one)) for one, _ in made]
    cheapest = [cascades.single(int(np.argmin(one.costs.mean(axis=0)))) for one, _ in made]

    def view(policies: Sequence[TaskPolicy]) -> PolicyView:
        reached = _replayed(policies, made)
        return PolicyView(
            chosen=dict(Counter(one.told(train.models) for one in policies).most_common()),
            point=point(reached.scores, reached.costs, reference, seed),
            quartiles=_quartiles(tests.calls, reached, reference, seed),
        )

    return SessionsResult(
        protocol="the test file read once" if test else f"{FOLDS}-fold cross-validation",
        seed=seed,
        models=list(train.models),
        test_rows=len(tests),
        dropped_rows=train.dropped + (test.dropped if test else 0),
        true_positive_rate=verifier.true_positive_rate,
        false_positive_rate=verifier.false_positive_rate,
        verifier_is_simulated=True,
        cascade=view(chains),
        step_cap=view(capped),
        cheapest_model=view(cheapest),
        zero_router=_mixed(made, reference, seed),
        best_single=_single(train.models, best, reference),
        cheapest=_single(train.models, cheapest, _replayed(cheapest, made)),
        oracle=oracle(tests),
    )


def _require(train: Evidence) -> None:
    if len(train) < ROWS_MIN:
        problem = f"The training part has {len(train)} tasks: too few to choose on"
        raise EvidenceError(problem, f"Give at least {ROWS_MIN} tasks.")
    if len(train.models) > POOL_MAX:
        problem = f"A pool of {len(train.models)} models has too many chains to try"
        raise EvidenceError(problem, f"Give at most {POOL_MAX} models.")


def _chains(train: Evidence, verifier: Verifier) -> Iterator[Cascade]:
    cost_max = float(train.costs[:, cascades.best_single(train)].mean())
    return cascades.cascades(train, verifier, cost_max)


def _replayed(policies: Sequence[TaskPolicy], made: list[tuple[Evidence, Evidence]]) -> Expected:
    parts = [policy.expected(unseen) for policy, (_, unseen) in zip(policies, made, strict=True)]
    return Expected(
        np.concatenate([one.scores for one in parts]), np.concatenate([one.costs for one in parts])
    )


def _quartiles(calls: Floats, reached: Expected, reference: Expected, seed: int) -> list[Quartile]:
    if np.isnan(calls).all(axis=1).any():
        return []
    horizon = np.nanmedian(calls, axis=1)
    # Tasks of equal horizon keep together, so quarters may differ in size.
    edges = np.quantile(horizon, np.arange(1, QUARTILES) / QUARTILES)
    quarter_of = np.searchsorted(edges, horizon, side="left")
    found = []
    for quarter in range(QUARTILES):
        rows = np.flatnonzero(quarter_of == quarter)
        if not len(rows):
            continue
        there = (reference.scores[rows], reference.costs[rows])
        found.append(
            Quartile(
                calls_min=float(horizon[rows].min()),
                calls_max=float(horizon[rows].max()),
                tasks=len(rows),
                point=point(reached.scores[rows], reached.costs[rows], there, seed),
            )
        )
    return found


def _mixed(made: list[tuple[Evidence, Evidence]], reference: Expected, seed: int) -> Point:
    scores, costs = [], []
    for learned, unseen in made:
        wanted = float(learned.scores[:, cascades.best_single(learned)].mean())
        mix = choosing.mix_reaching(choosing.single_spots(learned), wanted)
        scores.append(mix.of(unseen.scores))
        costs.append(mix.of(unseen.costs))
    return point(np.concatenate(scores), np.concatenate(costs), reference, seed)


def _single(models: tuple[str, ...], policies: list[Cascade], reached: Expected) -> Single:
    """Return the row of a single model; folds may differ in it: the commonest is named."""
    column = Counter(one.chain[0] for one in policies).most_common(1)[0][0]
    return Single(
        model=models[column],
        quality=float(reached.scores.mean()),
        cost_per_call=float(reached.costs.mean()),
    )
