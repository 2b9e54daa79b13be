"""What an evaluation says, as types; `headgate routing eval --json` prints a `Result`."""

from typing import Any

import msgspec
from msgspec import Struct


class Point(Struct, frozen=True, kw_only=True):
    """One operating point, read once on the test part, against the best single model.

    Attributes:
        saved_share: 1 - cost / cost of the best single model.
        quality_ratio: Quality / quality of the best single model.
        diff_pp: Difference of mean scores, in percentage points.
        diff_ci_low_pp: Lower end of its 95 % interval, by paired bootstrap over rows.
        diff_ci_high_pp: Upper end.
        quality: Mean score.
        cost_per_call: Mean cost.
    """

    saved_share: float
    quality_ratio: float
    diff_pp: float
    diff_ci_low_pp: float
    diff_ci_high_pp: float
    quality: float
    cost_per_call: float


class PairView(Struct, frozen=True, kw_only=True):
    """The measures of two models: see `metrics.Pair`."""

    apgr: float
    cpt50: float
    cpt80: float


class Single(Struct, frozen=True, kw_only=True):
    """A row of comparison; `model` is None for the oracle, which chooses with hindsight."""

    model: str | None
    quality: float
    cost_per_call: float


class ZeroRouter(Struct, frozen=True, kw_only=True):
    """Two models mixed at random, the shares chosen on the training part too."""

    points: dict[str, Point]
    aiq: float


class Group(Struct, frozen=True, kw_only=True):
    """One benchmark, task or category within the test part, at the point `100`."""

    rows: int
    saved_share: float
    diff_pp: float
    apgr: float | None


class BinView(Struct, frozen=True, kw_only=True):
    """A bin of the reliability diagram."""

    n: int
    estimated: float
    observed: float


class SpotView(Struct, frozen=True, kw_only=True):
    """A point of the cost-quality frontier on the test part, with hindsight: not a promise."""

    cost_per_call: float
    quality: float


class Length(Struct, frozen=True, kw_only=True):
    """Output tokens of a model: quantiles of the training part, and how they held on the test.

    Attributes:
        n: Answers measured in the training part.
        median: Tokens; NaN without a measurement.
        high: Tokens that nine in ten answers do not exceed.
        within_high_share: The share of the test part's answers that did not; NaN without any.
    """

    n: int
    median: float
    high: float
    within_high_share: float


class Result(Struct, frozen=True, kw_only=True):
    """An evaluation; numbers that do not exist are NaN here and null in JSON.

    Attributes:
        protocol: How training and test parts were made.
        seed: What chance followed from.
        train_rows: Rows learned from (of the first fold, if there are folds).
        test_rows: Rows the figures are over.
        dropped_rows: Rows left out of both files, for want of a score within 0 and 1 or a cost.
        seen_rows: Rows of the test part whose text was learned from too; the figures flatter then.
        point_usd: By target, what a percentage point of quality was worth there, the median of the
            folds: what the policy `best_value` is told.
        ece: Expected calibration error over all models and rows.
        latency_ms_p50: CPU time of a decision with its explanation record.
    """

    protocol: str
    seed: int
    models: list[str]
    train_rows: int
    test_rows: int
    dropped_rows: int
    seen_rows: int
    points: dict[str, Point]
    point_usd: dict[str, float]
    pair: PairView | None
    aiq: float
    zero_router: ZeroRouter
    best_single: Single
    cheapest: Single
    oracle: Single
    ece: float
    ece_by_model: dict[str, float]
    latency_ms_p50: float
    latency_ms_p99: float
    groups: dict[str, Group]
    output_tokens: dict[str, Length]
    reliability: list[BinView]
    frontier: list[SpotView]
    repeats: list[PairView | None]


def mean_of(results: list[Result]) -> Result:
    """Return the mean of every number of results of several seeds, ends of intervals too.

    Lists and what is not a number are the first result's; `repeats` has the pair of each seed.
    """
    repeats = [one.pair for one in results]
    merged = msgspec.convert(_mean([msgspec.to_builtins(one) for one in results]), Result)
    told = merged.protocol + (f", mean of {len(results)} seeds" if len(results) > 1 else "")
    return msgspec.structs.replace(merged, protocol=told, repeats=repeats)


def _mean(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, dict):
        shared = [key for key in first if all(key in one for one in values)]
        return {key: _mean([one[key] for one in values]) for key in shared}
    if isinstance(first, float) and all(isinstance(one, float) for one in values):
        return sum(values) / len(values)
    return first
