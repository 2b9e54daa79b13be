"""An evaluation of whole tasks, for people."""

from headgate.cli.evaluation.text import known, signed
from headgate.cli.output import print_table, say, table
from headgate.routing.evaluation.result import Point
from headgate.routing.evaluation.sessions import SessionsResult


def tell(result: SessionsResult) -> None:
    """Print each policy beside the single models, then by quartile of horizon."""
    say(f"{result.protocol}, {result.test_rows} tasks")
    if result.dropped_rows:
        say(f"{result.dropped_rows} rows left out: no score within 0 and 1, or no cost")
    say(
        f"Simulated verifier: accepts {result.true_positive_rate:.0%} of what is solved and "
        f"{result.false_positive_rate:.0%} of what is not; it costs nothing."
    )
    shown = table("", ">quality", ">cost per task", ">difference, pp", ">95 % interval", ">saved")
    points = {
        "cascade": result.cascade.point,
        "step cap": result.step_cap.point,
        "zero router": result.zero_router,
        f"cheapest: {result.cheapest.model}": result.cheapest_model.point,
    }
    for label, point in points.items():
        shown.add_row(label, f"{point.quality:.4f}", f"{point.cost_per_call:.4f}", *_cells(point))
    singles = {
        f"best single: {result.best_single.model}": result.best_single,
        "oracle": result.oracle,
    }
    for label, one in singles.items():
        shown.add_row(label, f"{one.quality:.4f}", f"{one.cost_per_call:.4f}", "", "", "")
    print_table(shown)
    for label, view in (("cascade", result.cascade), ("step cap", result.step_cap)):
        for chosen, times in view.chosen.items():
            say(f"{label}, chosen {times} x: {chosen}")
    if result.cascade.quartiles:
        _tell_quartiles(result)


def _tell_quartiles(result: SessionsResult) -> None:
    shown = table("", ">calls", ">tasks", ">difference, pp", ">95 % interval", ">saved")
    kinds = {
        "cascade": result.cascade,
        "step cap": result.step_cap,
        "cheapest": result.cheapest_model,
    }
    for label, view in kinds.items():
        for one in view.quartiles:
            calls = f"{one.calls_min:.0f} to {one.calls_max:.0f}"
            shown.add_row(label, calls, str(one.tasks), *_cells(one.point))
    print_table(shown)


def _cells(point: Point) -> tuple[str, ...]:
    return (
        signed(point.diff_pp),
        f"{signed(point.diff_ci_low_pp)} to {signed(point.diff_ci_high_pp)}",
        known(point.saved_share, ".1%"),
    )
