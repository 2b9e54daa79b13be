"""Evaluating calls: learn on one part, choose the operating points there, read the other once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headgate.routing.evaluation import choosing, evidence
from headgate.routing.evaluation.choosing import Operating
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.quality import decision, estimator, expenses
from headgate.routing.quality.estimator import Estimator
from headgate.routing.quality.expenses import Lengths
from headgate.routing.quality.sparse import Floats, Ints

FOLDS = 5
TIMED_MAX = 500
ROWS_MIN = 2 * estimator.ROWS_MIN


@dataclass(frozen=True, slots=True)
class Protocol:
    """How an evaluation is done.

    Attributes:
        seed: Folds, samples, clusters and bootstrap follow from it.
        labels: Learn from this many rows, of texts drawn at random; None learns from all.
        shuffled: Learn from scores of other rows, to see that nothing leaks.
    """

    seed: int = 1
    labels: int | None = None
    shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was said and decided of each row of a test part, before its scores were looked at.

    Attributes:
        test: The rows.
        quality: Estimates, rows by models.
        cost: Expected costs, rows by models.
        picks: By target, the column chosen for each row.
        point_usd: By target, what a percentage point of quality was worth, for each training part;
            NaN where no price of quality was chosen, or quality alone counts.
        mixed_scores: By target, the expected score of the zero router for each row.
        mixed_costs: By target, its expected cost.
        best_single: For each row, the best single model of the training part.
        lengths: Quantiles of answers in the training part.
        decision_ns: CPU time of single decisions.
        seen: How many rows have a text that was learned from.
    """

    test: Evidence
    quality: Floats
    cost: Floats
    picks: dict[str, Ints]
    point_usd: dict[str, tuple[float, ...]]
    mixed_scores: dict[str, Floats]
    mixed_costs: dict[str, Floats]
    best_single: Ints
    lengths: Lengths
    decision_ns: tuple[int, ...]
    seen: int


def parts(train: Evidence, test: Evidence | None, how: Protocol) -> list[tuple[Evidence, Evidence]]:
    """Return the (training part, test part) pairs that the protocol makes of the files.

    Raises:
        EvidenceError: Too few texts to learn from, or no row to test on.
    """
    _require(len(set(train.texts)), "The training part has {} different texts")
    if how.labels is None:
        made = [(train, test)] if test is not None else evidence.folds(train, FOLDS, how.seed)
    else:
        drawn, rest = _drawn(train, how.labels, how.seed)
        if len(drawn) < how.labels or not (rest if test is None else test):
            problem = f"There are {len(train)} rows to learn from, {how.labels} are asked for"
            raise EvidenceError(problem, "Give a smaller --labels.")
        _require(len(set(drawn.texts)), "--labels draws {} different texts")
        made = [(drawn, rest if test is None else test)]
    if how.shuffled:
        made = [(one.with_shuffled_scores(how.seed), other) for one, other in made]
    return made


def _drawn(whole: Evidence, labels: int, seed: int) -> tuple[Evidence, Evidence]:
    """Return so many rows of texts drawn at random, and the rows of the texts that were not."""
    order = np.random.default_rng(seed).permutation(len(whole))
    rows_of: dict[str, list[int]] = {}
    for row in order:
        rows_of.setdefault(whole.texts[row], []).append(row)
    by_text = np.array([row for rows in rows_of.values() for row in rows])
    drawn, rest = whole.rows(by_text[:labels]), by_text[labels:]
    known = frozenset(drawn.texts)
    return drawn, whole.rows(np.array([row for row in rest if whole.texts[row] not in known], int))


def _require(many: int, said: str) -> None:
    if many < ROWS_MIN:
        problem = f"{said.format(many)}: too few to learn from"
        raise EvidenceError(problem, f"Give at least {ROWS_MIN}.")


def read(train: Evidence, test: Evidence, seed: int, clock: Callable[[], int]) -> Reading:
    """Learn from `train`, choose its operating points, and apply them to the texts of `test`."""
    given = train.models, train.texts, train.scores, train.costs
    fitted = estimator.fit(*given, seed=seed, labels=train.groups)
    points = choosing.choose_points(train, fitted.quality, fitted.cost_usd)
    mixes = choosing.mix_points(train)
    quality, cost = fitted.estimator.predict(test.texts)
    return Reading(
        test=test,
        quality=quality,
        cost=cost,
        picks={name: point.choose(quality, cost) for name, point in points.items()},
        point_usd={name: (point.point_usd,) for name, point in points.items()},
        mixed_scores={name: mix.of(test.scores) for name, mix in mixes.items()},
        mixed_costs={name: mix.of(test.costs) for name, mix in mixes.items()},
        best_single=np.full(len(test), train.best_single()),
        lengths=expenses.lengths(train.output_tokens),
        decision_ns=_timed(fitted.estimator, test, points["100"], clock),
        seen=sum(map(frozenset(train.texts).__contains__, test.texts)),
    )


def _timed(
    made: Estimator, test: Evidence, point: Operating, clock: Callable[[], int]
) -> tuple[int, ...]:
    taken = []
    for text in test.texts[:TIMED_MAX]:
        begun = clock()
        decision.decide(made.estimate(text), point.quality_per_usd or 0.0)
        taken.append(clock() - begun)
    return tuple(taken)


def joined(readings: list[Reading]) -> Reading:
    """Return the readings of several folds as one; lengths are the first's."""
    first = readings[0]
    if len(readings) == 1:
        return first
    return Reading(
        test=evidence.joined([one.test for one in readings]),
        quality=np.concatenate([one.quality for one in readings]),
        cost=np.concatenate([one.cost for one in readings]),
        picks={name: np.concatenate([one.picks[name] for one in readings]) for name in first.picks},
        point_usd={
            name: tuple(worth for one in readings for worth in one.point_usd[name])
            for name in first.point_usd
        },
        mixed_scores={
            name: np.concatenate([one.mixed_scores[name] for one in readings])
            for name in first.mixed_scores
        },
        mixed_costs={
            name: np.concatenate([one.mixed_costs[name] for one in readings])
            for name in first.mixed_costs
        },
        best_single=np.concatenate([one.best_single for one in readings]),
        lengths=first.lengths,
        decision_ns=tuple(taken for one in readings for taken in one.decision_ns),
        seen=sum(one.seen for one in readings),
    )


def told(how: Protocol, *, apart: bool) -> str:
    """Return in words how the parts are made; `apart`: the test part is a file of its own."""
    if how.labels is not None:
        read_once = "the test file" if apart else "all rows of other texts"
        words = f"{how.labels} rows of random texts to learn from, {read_once} read once"
    else:
        words = "the test file read once" if apart else f"{FOLDS}-fold cross-validation"
    return words + (", scores shuffled" if how.shuffled else "")
