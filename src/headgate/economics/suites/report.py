"""The report on a suite: what each model made of it, and which may take another's place."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headgate.economics.report import (
    AssumptionView,
    ChartView,
    Report,
    SeriesView,
    TableView,
)
from headgate.economics.suites.comparing import Interval, Swap, swap, wilson
from headgate.economics.suites.sums import Sums, baseline_of
from headgate.units.money import format_usd

LIMITS = [
    "The tasks are taken for a sample of what the models will be asked; of other work they say "
    "nothing.",
    "A repeat is no new task: intervals count tasks.",
    "Costs are what was posted for the calls; latency is as seen from here, waiting included.",
]
JUDGED = "A judge is a model too: its errors are in the success rates, and not in the intervals."


class Asked(NamedTuple):
    """What a report is about.

    Attributes:
        tasks: How many the suite has.
        baseline: Against which the others are held; None for the best.
        margin: How much less success is taken for no loss, as a share.
        budget_nanos: What all of it may cost.
        content: What decides the report: hashes of suite and results.
        notes: What went wrong on the way.
    """

    name: str
    tasks: int
    repeats: int
    models: Sequence[str]
    baseline: str | None
    margin: float
    budget_nanos: int
    judged: bool
    content: str
    notes: Sequence[str]


class _Compared(NamedTuple):
    sums: Sums
    swap: Swap
    tasks: int
    saves_nanos: int


def suite_report(asked: Asked, found: Mapping[str, Sums]) -> Report:
    """Return the report on what was measured so far."""
    known = {model: sums for model, sums in found.items() if sums.answers}
    baseline = asked.baseline or (baseline_of(known) if known else asked.models[0])
    compared = _compared(asked, found, baseline)
    return Report(
        command="eval",
        answer=[*_answer(asked, found, baseline, compared), *asked.notes],
        figures=_figures(found, baseline, compared),
        tables=[_models(found), *([_swaps(compared, baseline)] if compared else [])],
        charts=_chart(found),
        limits=[*LIMITS, *([JUDGED] if asked.judged else [])],
        assumptions=_assumptions(asked),
        inputs_sha256=asked.content,
    )


def _compared(asked: Asked, found: Mapping[str, Sums], baseline: str) -> list[_Compared]:
    base = found[baseline]
    others = [sums for model, sums in found.items() if model != baseline]
    compared = []
    for sums in others:
        shared = [task for task in base.shares if task in sums.shares]
        ours = [sums.shares[task] for task in shared]
        theirs = [base.shares[task] for task in shared]
        made = swap(ours, theirs, margin=asked.margin, candidates=len(others))
        saves = (base.per_answer_nanos or 0) - (sums.per_answer_nanos or 0)
        compared.append(_Compared(sums, made, len(shared), saves))
    return compared


def _answer(
    asked: Asked, found: Mapping[str, Sums], baseline: str, compared: list[_Compared]
) -> list[str]:
    if not found[baseline].answers:
        return ["Nothing was measured yet."]
    margin = _points(asked.margin)
    safe = [each for each in compared if each.swap.verdict == "safe" and each.saves_nanos > 0]
    lines = [f"{asked.name}: {asked.tasks} tasks; the others are held against {baseline}."]
    if safe:
        best = max(safe, key=lambda each: each.saves_nanos)
        lines.append(
            f"Safe: {best.sums.model} in place of {baseline}. It loses at most "
            f"{_points(max(0.0, -best.swap.difference.low))} points of success, within the margin "
            f"of {margin}, and a task costs {_share(best.saves_nanos, found[baseline])} less."
        )
    elif compared:
        lines.append(f"No cheaper model is safe in place of {baseline}, at a margin of {margin}.")
    lines += [
        f"{each.sums.model}: not enough tasks{_more(each.swap)}."
        for each in compared
        if each.swap.verdict == "not enough tasks"
    ]
    uncosted = sum(sums.uncosted for sums in found.values())
    if uncosted:
        lines.append(f"{uncosted} replies did not say what they cost, and count as free here.")
    return lines


def _more(made: Swap) -> str:
    if made.more is None:
        return ", and more of the same would not make it safe"
    return f": {made.more} more, were they to go as these did"


def _share(saves_nanos: int, base: Sums) -> str:
    return f"{100 * saves_nanos // (base.per_answer_nanos or 1)} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _ends(one: Interval) -> str:
    return f"{one.low:.3f} to {one.high:.3f}"


def _rate(sums: Sums) -> Interval:
    return wilson(sum(sums.shares.values()), len(sums.by_task))


def _usd(nanos: int | None) -> str:
    return "-" if nanos is None else format_usd(nanos)


def _figures(found: Mapping[str, Sums], baseline: str, compared: list[_Compared]) -> dict[str, str]:
    figures = {"baseline": baseline}
    for model, sums in found.items():
        if not sums.answers:
            continue
        rate = _rate(sums)
        figures |= {
            f"{model} success": f"{rate.value:.4f}",
            f"{model} success_low": f"{rate.low:.4f}",
            f"{model} success_high": f"{rate.high:.4f}",
            f"{model} tasks": str(len(sums.by_task)),
            f"{model} cost_usd": format_usd(sums.cost_nanos),
            f"{model} judge_usd": format_usd(sums.judge_nanos),
        }
    for each in compared:
        figures |= {
            f"{each.sums.model} verdict": each.swap.verdict,
            f"{each.sums.model} difference": f"{each.swap.difference.value:.4f}",
            f"{each.sums.model} difference_low": f"{each.swap.difference.low:.4f}",
            f"{each.sums.model} difference_high": f"{each.swap.difference.high:.4f}",
        }
    return figures


def _models(found: Mapping[str, Sums]) -> TableView:
    columns = [">tasks", ">answers", ">success", ">95 %", ">USD an answer", ">USD a good one"]
    rows = []
    for model, sums in found.items():
        rate = _rate(sums)
        half, most = sums.latency_ms(0.5), sums.latency_ms(0.95)
        rows.append(
            [
                *(model, str(len(sums.by_task)), str(sums.answers)),
                *((f"{rate.value:.3f}", _ends(rate)) if sums.answers else ("-", "-")),
                *(_usd(sums.per_answer_nanos), _usd(sums.per_solved_nanos)),
                *("-" if each is None else f"{each}" for each in (half, most)),
                _usd(sums.judge_nanos),
            ]
        )
    columns += [">ms, p50", ">ms, p95", ">USD for judging"]
    return TableView(title="What each model made of it", columns=["model", *columns], rows=rows)


def _swaps(compared: list[_Compared], baseline: str) -> TableView:
    rows = []
    for each in compared:
        made = each.swap
        low, high = _points(made.difference.low), _points(made.difference.high)
        rows.append(
            [
                *(each.sums.model, str(each.tasks), f"{100 * made.difference.value:+.1f}"),
                f"{low} to {high}",
                "-" if made.mcnemar is None else f"{made.mcnemar:.3f}",
                format_usd(each.saves_nanos),
                made.verdict,
                "-" if made.more is None else str(made.more),
            ]
        )
    numbers = [">tasks", ">difference, points", ">interval", ">McNemar p", ">saves USD an answer"]
    return TableView(
        title=f"In place of {baseline}",
        columns=["model", *numbers, "swap", ">more tasks needed"],
        rows=rows,
    )


def _chart(found: Mapping[str, Sums]) -> list[ChartView]:
    """Return the interval of each model's success over what an answer of it costs."""
    series = []
    for model, sums in found.items():
        if sums.per_answer_nanos is not None:
            cost, rate = format_usd(sums.per_answer_nanos), _rate(sums)
            ends = [(cost, f"{rate.low:.4f}"), (cost, f"{rate.high:.4f}")]
            series.append(SeriesView(name=model, points=ends))
    title = "Success (95 %) by cost of an answer"
    return [ChartView(title=title, x="USD an answer", y="success", series=series)]


def _assumptions(asked: Asked) -> list[AssumptionView]:
    told = (
        ("margin", _points(asked.margin), "points", "So much less success is taken for no loss."),
        ("repeats", str(asked.repeats), "", "So often each model does each task."),
        ("budget", format_usd(asked.budget_nanos), "usd", "All calls and judges cost no more."),
    )
    return [
        AssumptionView(
            name=name, value=value, unit=unit, meaning=meaning, source="command line", changed=False
        )
        for name, value, unit, meaning in told
    ]
