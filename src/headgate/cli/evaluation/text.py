"""An evaluation of single calls, for people."""

import math

from headgate.cli.output import print_table, say, table
from headgate.routing.evaluation.result import Point, Result, Single


def tell(result: Result) -> None:
    """Print the table of points with the comparison rows beside them, and the other measures."""
    say(f"{result.protocol}; {result.train_rows} rows to learn from, {result.test_rows} read")
    if result.dropped_rows:
        say(f"{result.dropped_rows} rows left out: no score within 0 and 1, no cost, or no text")
    if result.seen_rows:
        say(f"{result.seen_rows} rows read have a text that was learned from: too good")
    shown = table("", ">quality", ">of best single", ">difference, pp", ">95 % interval", ">saved")
    for name, point in result.points.items():
        shown.add_row(f"router at {name}", *_cells(point))
        shown.add_row(f"zero router at {name}", *_cells(result.zero_router.points[name]))
    for label, single in _singles(result).items():
        saved = 1 - single.cost_per_call / (result.best_single.cost_per_call or float("nan"))
        ratio = single.quality / (result.best_single.quality or float("nan"))
        shown.add_row(
            label, f"{single.quality:.4f}", known(ratio, ".1%"),
            f"{100 * (single.quality - result.best_single.quality):+.2f}", "", known(saved, ".1%"),
        )  # fmt: skip
    print_table(shown)
    if result.pair is not None:
        pair = result.pair
        shares = f"CPT50 {known(pair.cpt50, '.1f')} %, CPT80 {known(pair.cpt80, '.1f')} %"
        say(f"APGR {known(pair.apgr, '.4f')}, {shares}")
    aiq, mixed = (known(each, ".4f") for each in (result.aiq, result.zero_router.aiq))
    say(f"AIQ {aiq}, zero router {mixed}")
    worst = max(result.ece_by_model.items(), key=lambda item: item[1])
    say(f"ECE {result.ece:.4f}; the worst model, {worst[0]}: {worst[1]:.4f}")
    latency = f"{result.latency_ms_p50:.2f} ms of CPU, p99 {result.latency_ms_p99:.2f} ms"
    say(f"A decision takes {latency}")


def _singles(result: Result) -> dict[str, Single]:
    return {
        f"best single: {result.best_single.model}": result.best_single,
        f"cheapest: {result.cheapest.model}": result.cheapest,
        "oracle": result.oracle,
    }


def known(value: float, form: str) -> str:
    """Return a number as text, a dash for none: nothing was paid, or all cost or score the same."""
    return "-" if math.isnan(value) else format(value, form)


def signed(points: float) -> str:
    """Return percentage points with their sign, which is never minus for nothing."""
    return f"{round(points, 2) + 0.0:+.2f}"


def _cells(point: Point) -> tuple[str, ...]:
    return (
        f"{point.quality:.4f}",
        known(point.quality_ratio, ".1%"),
        signed(point.diff_pp),
        f"{signed(point.diff_ci_low_pp)} to {signed(point.diff_ci_high_pp)}",
        known(point.saved_share, ".1%"),
    )
