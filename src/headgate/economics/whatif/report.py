"""The report on a replay: what it would have cost, why, for whom, and whether a promise holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from headgate.economics.exact import rounded
from headgate.economics.formulas import saving
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.economics.whatif.replay import Move, Replay
from headgate.units.money import NANOS_PER_USD

HUNDRED = 100
MEANINGS = {
    "posted": "As they were posted, with their corrections.",
    "rating": "By the price book as it is now, where that differs from what was posted.",
    "prices": "By the other prices.",
    "models": "By the other models, of the same tokens.",
    "tokens": "What their tokenisers count more or less of the same text.",
    "cache": "What they read afresh because their cache was cold.",
    "retries": "Attempts made again.",
    "checks": "Checks of their results.",
}
LIMITS = [
    "The past as it was: nobody asks for more because it is cheaper, and other models' answers "
    "have the same length but for their tokenisers.",
    "Whether the other model does the work as well is not in it but through retries and checks: "
    "headgate roi and headgate routing compare outcomes.",
    "What a model does not sell (a class of cache) counts as fresh input there.",
    "A record that sums several calls is rated as one prompt, which may meet a long-context price.",
    "It says what a period would have cost, so it has no interval; other months differ.",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What a report answers.

    Attributes:
        period: In words.
        scenario: In words.
        baseline: The name of what savings are against.
        promised: The saving somebody promises, as a share of the baseline; None without one.
        notes: What else must be known.
        content: What decides the result beside the inputs: the calls' hash, prices and options.
    """

    period: str
    scenario: str
    baseline: str
    promised: Fraction | None
    notes: tuple[str, ...]
    content: tuple[str, ...]


def whatif_report(
    asked: Question, would: Replay, inputs: Inputs, base: tuple[int, ...] | None = None
) -> Report:
    """Return the report.

    Args:
        asked: The question.
        would: The scenario.
        inputs: What a change adds.
        base: What each class cost by the baseline; None when it is what was posted.

    Raises:
        InputError: There are too few calls for an answer.
    """
    calls, least = sum(would.calls), inputs.whole("calls_min")
    if calls < least:
        raise InputError(
            f"Not enough data: {calls} calls with prices, {least} are needed; "
            f"{would.left_out} more have none by the old or the new prices at their time.",
            "Take a longer period, or lower calls_min.",
        )
    against = would.posted_nanos if base is None else base
    was, would_be = sum(against), would.would_nanos
    return Report(
        command="whatif",
        answer=[
            f"{asked.period}: {calls} calls. {asked.baseline} they cost {_usd(was)} USD, with "
            f"{asked.scenario} {_usd(would_be)} USD: {_difference(was, would_be)}.",
            *_promise(asked, would, was),
            *_left_out(would),
        ],
        figures={
            "calls": str(calls),
            "left_out": str(would.left_out),
            "left_out_usd": _usd(would.left_out_nanos),
            "baseline_usd": _usd(was),
            "scenario_usd": _usd(would_be),
            "saving_usd": _usd(was - would_be),
            "saving_percent": _percent(was - would_be, was),
            "posted_usd": _usd(would.was_nanos),
            **{f"{name}_usd": _usd(sum(line)) for name, line in would.lines.items()},
        },
        tables=[_lines(would), _classes(would, against), *_moves(would)],
        charts=[_steps(would)],
        limits=[*asked.notes, *LIMITS],
        assumptions=assumptions(inputs),
        inputs_sha256=inputs.sha256(*asked.content),
    )


def _usd(nanos: int) -> str:
    return rounded(Fraction(nanos, NANOS_PER_USD), 2)


def _percent(part: int, whole: int) -> str:
    return rounded(Fraction(HUNDRED * part, whole), 1) if whole else "0.0"


def _difference(was: int, would: int) -> str:
    if would == was:
        return "the same"
    word = "less" if would < was else "more"
    return f"{_usd(abs(was - would))} USD ({_percent(abs(was - would), was)} %) {word}"


def _left_out(would: Replay) -> list[str]:
    if not would.left_out:
        return []
    return [
        f"Left out of every figure: {would.left_out} calls posted at {_usd(would.left_out_nanos)} "
        "USD, which some step has no price for."
    ]


def _promise(asked: Question, would: Replay, was: int) -> list[str]:
    """Say whether a promised saving is possible by these moves: `f = s / (1 - r)`, at most 1."""
    promised = asked.promised
    if promised is None:
        return []
    told = f"A saving of {rounded(HUNDRED * promised, 1)} %"
    dear = sum(move.was_nanos for move in would.moves)
    if not dear:
        return [f"{told} cannot be judged: no call changes its model."]
    ratio = Fraction(sum(move.would_nanos for move in would.moves), dear)
    most = rounded(HUNDRED * saving.highest(ratio), 1)
    kind = f"the other models cost {rounded(HUNDRED * ratio, 1)} % of what they replace"
    if ratio >= 1:
        return [f"{told} is impossible: {kind}."]
    if not saving.possible(promised, ratio):
        return [
            f"{told} is impossible: {kind}, so that even all work on them saves {most} %, before "
            "retries, checks and cold caches."
        ]
    needed, moved = saving.share_needed(promised, ratio), Fraction(dear, was)
    enough = "as much as" if moved >= needed else "less than"
    return [
        f"{told} needs {rounded(HUNDRED * needed, 1)} % of the spend to move, as {kind}; "
        f"{rounded(HUNDRED * moved, 1)} % does, {enough} that needs."
    ]


def _lines(would: Replay) -> TableView:
    rows = [["posted", _usd(would.was_nanos), MEANINGS["posted"]]]
    rows += [
        [name, _signed(sum(line)), MEANINGS[name]]
        for name, line in would.lines.items()
        if any(line)
    ]
    rows.append(["scenario", _usd(would.would_nanos), "What it would have cost."])
    return TableView(
        title="From what was to what would be", columns=["line", ">USD", "what"], rows=rows
    )


def _steps(would: Replay) -> ChartView:
    between = [(name, _signed(sum(line))) for name, line in would.lines.items() if any(line)]
    points = [("posted", _usd(would.was_nanos)), *between, ("scenario", _usd(would.would_nanos))]
    series = SeriesView(name="USD", points=points)
    return ChartView(
        title="From posted to scenario, USD", x="step", y="USD", series=[series], kind="steps"
    )


def _signed(nanos: int) -> str:
    return f"+{_usd(nanos)}" if nanos > 0 else _usd(nanos)


def _classes(would: Replay, against: Sequence[int]) -> TableView:
    shown = [name for name, line in would.lines.items() if any(line)]
    rows = [
        [
            name,
            str(would.calls[number]),
            _usd(against[number]),
            *(_signed(would.lines[line][number]) for line in shown),
            _usd(would.would_of(number)),
            _usd(against[number] - would.would_of(number)),
            _percent(against[number] - would.would_of(number), against[number]),
        ]
        for number, name in enumerate(would.classes)
        if would.calls[number]
    ]
    return TableView(
        title="By class of task",
        columns=[
            *("class", ">calls", ">baseline"),
            *(f">{line}" for line in shown),
            *(">scenario", ">saved", ">%"),
        ],
        rows=rows,
    )


def _moves(would: Replay) -> list[TableView]:
    if not would.moves:
        return []
    return [
        TableView(
            title="Who serves instead of whom, on the same tokens",
            columns=["from", "to", ">calls", ">was", ">would be", ">price ratio %", ">tokens x"],
            rows=[_move(move) for move in would.moves],
        )
    ]


def _move(move: Move) -> list[str]:
    return [
        move.old,
        move.new,
        str(move.calls),
        _usd(move.was_nanos),
        _usd(move.would_nanos),
        _percent(move.would_nanos, move.was_nanos),
        rounded(move.tokens, 3),
    ]
