"""From a reading to the result: what was decided, compared with what came of it."""

import numpy as np

from headgate.routing.evaluation import choosing, metrics
from headgate.routing.evaluation.bounded import Protocol, Reading
from headgate.routing.evaluation.evidence import Evidence
from headgate.routing.evaluation.result import (
    BinView,
    Group,
    Length,
    PairView,
    Point,
    Result,
    Single,
    SpotView,
    ZeroRouter,
)
from headgate.routing.quality.sparse import Floats, Ints

GROUP_ROWS_MIN = 30
MILLION = 1_000_000


def summarise(
    reading: Reading, how: Protocol, told: str, *, train_rows: int, dropped: int
) -> Result:
    """Return the result of a reading; `told` says in words how its parts were made."""
    test = reading.test
    spots = _frontier(reading)
    singles = choosing.single_spots(test)
    span = min(one.cost for one in singles), max(one.cost for one in singles)
    latency = np.percentile(np.array(reading.decision_ns) / MILLION, (50, 99))
    return Result(
        protocol=told,
        seed=how.seed,
        models=list(test.models),
        train_rows=train_rows,
        test_rows=len(test),
        dropped_rows=dropped,
        seen_rows=reading.seen,
        points=_points(reading, how.seed),
        point_usd={name: float(np.median(each)) for name, each in reading.point_usd.items()},
        pair=_pair(reading),
        aiq=metrics.aiq(spots, *span),
        zero_router=ZeroRouter(
            points=_mixed_points(reading, how.seed), aiq=metrics.aiq(singles, *span)
        ),
        best_single=_best_single(reading),
        cheapest=_single(test, int(np.argmin([one.cost for one in singles]))),
        oracle=oracle(test),
        ece=metrics.ece(reading.quality, test.scores),
        ece_by_model={
            model: metrics.ece(reading.quality[:, at], test.scores[:, at])
            for at, model in enumerate(test.models)
        },
        latency_ms_p50=float(latency[0]),
        latency_ms_p99=float(latency[1]),
        groups=_groups(reading),
        output_tokens=_lengths(reading),
        reliability=[
            BinView(n=one.n, estimated=one.estimated, observed=one.observed)
            for one in metrics.reliability(reading.quality, test.scores)
        ],
        frontier=[SpotView(cost_per_call=one.cost, quality=one.quality) for one in spots],
        repeats=[],
    )


def picked(values: Floats, columns: Ints) -> Floats:
    """Return each row's value in the column chosen for it."""
    return np.asarray(values[np.arange(len(columns)), columns])


def point(scores: Floats, costs: Floats, reference: tuple[Floats, Floats], seed: int) -> Point:
    """Return how scores and costs stand against the reference's, row by row."""
    gap = metrics.paired_interval(scores - reference[0], seed)
    return Point(
        saved_share=1 - _quotient(costs.mean(), reference[1].mean()),
        quality_ratio=_quotient(scores.mean(), reference[0].mean()),
        diff_pp=100 * gap.mean,
        diff_ci_low_pp=100 * gap.low,
        diff_ci_high_pp=100 * gap.high,
        quality=float(scores.mean()),
        cost_per_call=float(costs.mean()),
    )


def _quotient(one: float, other: float) -> float:
    return float(one / other) if other else float("nan")


def _reference(reading: Reading) -> tuple[Floats, Floats]:
    test, best = reading.test, reading.best_single
    return picked(test.scores, best), picked(test.costs, best)


def _points(reading: Reading, seed: int) -> dict[str, Point]:
    test, reference = reading.test, _reference(reading)
    return {
        name: point(picked(test.scores, of), picked(test.costs, of), reference, seed)
        for name, of in reading.picks.items()
    }


def _mixed_points(reading: Reading, seed: int) -> dict[str, Point]:
    reference = _reference(reading)
    return {
        name: point(scores, reading.mixed_costs[name], reference, seed)
        for name, scores in reading.mixed_scores.items()
    }


def _frontier(reading: Reading) -> list[metrics.Spot]:
    tried = choosing.prices(reading.test.costs)
    return metrics.hull(choosing.curve(reading.test, reading.quality, reading.cost, tried))


def _weak_and_strong(test: Evidence) -> tuple[int, int] | None:
    """Return the columns of a pair, the cheaper one first; None for a larger pool."""
    if len(test.models) != 2:
        return None
    weak = int(np.argmin(test.costs.mean(axis=0)))
    return weak, 1 - weak


def _pair(reading: Reading) -> PairView | None:
    columns = _weak_and_strong(reading.test)
    if columns is None:
        return None
    return _pair_of(reading, columns, np.arange(len(reading.test)))


def _pair_of(reading: Reading, columns: tuple[int, int], rows: Ints) -> PairView:
    weak, strong = columns
    quality, scores = reading.quality[rows], reading.test.scores[rows]
    preference = quality[:, strong] - quality[:, weak]
    found = metrics.pair(preference, scores[:, weak], scores[:, strong])
    return PairView(apgr=found.apgr, cpt50=found.cpt50, cpt80=found.cpt80)


def _groups(reading: Reading) -> dict[str, Group]:
    test, columns = reading.test, _weak_and_strong(reading.test)
    scores, costs = (picked(of, reading.picks["100"]) for of in (test.scores, test.costs))
    best_scores, best_costs = _reference(reading)
    labels = np.array(test.groups)
    found = {}
    for label in sorted(set(test.groups) - {""}):
        rows = np.flatnonzero(labels == label)
        if len(rows) < GROUP_ROWS_MIN:
            continue
        found[label] = Group(
            rows=len(rows),
            saved_share=1 - _quotient(costs[rows].mean(), best_costs[rows].mean()),
            diff_pp=100 * float((scores[rows] - best_scores[rows]).mean()),
            apgr=_pair_of(reading, columns, rows).apgr if columns else None,
        )
    return found


def _best_single(reading: Reading) -> Single:
    """Return the training part's best single model; where folds differ the commonest is named."""
    scores, costs = _reference(reading)
    column = int(np.bincount(reading.best_single).argmax())
    return Single(
        model=reading.test.models[column],
        quality=float(scores.mean()),
        cost_per_call=float(costs.mean()),
    )


def _single(test: Evidence, column: int) -> Single:
    return Single(
        model=test.models[column],
        quality=float(test.scores[:, column].mean()),
        cost_per_call=float(test.costs[:, column].mean()),
    )


def oracle(test: Evidence) -> Single:
    """Return what hindsight gives: the highest score, and of equal ones the cheapest."""
    best = test.scores.max(axis=1, keepdims=True)
    cost = np.where(test.scores == best, test.costs, np.inf).min(axis=1)
    return Single(model=None, quality=float(best.mean()), cost_per_call=float(cost.mean()))


def _lengths(reading: Reading) -> dict[str, Length]:
    found = {}
    for at, model in enumerate(reading.test.models):
        n, high = reading.lengths.n[at], float(reading.lengths.high[at])
        came = reading.test.output_tokens[:, at]
        came = came[~np.isnan(came)]
        if not n:
            continue
        found[model] = Length(
            n=n,
            median=float(reading.lengths.median[at]),
            high=high,
            within_high_share=float((came <= high).mean()) if len(came) else float("nan"),
        )
    return found
