"""The report on scenarios: what it would have cost, why, for whom, and whether a promise holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

import msgspec

from headgate.economics.exact import rounded
from headgate.economics.formulas import saving
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.report import ChartView, Report, TableView, assumptions
from headgate.economics.whatif.replay import Replay
from headgate.economics.whatif.tables import (
    HUNDRED,
    percent,
    plain_usd,
    steps_chart,
    tables_of,
    usd,
)

LIMITS = [
    "The past as it was: nobody asks for more because it is cheaper, and other models' answers "
    "have the same length but for their tokenisers.",
    "Whether the other model does the work as well is not in it but through retries and checks: "
    "headgate roi and headgate routing compare outcomes.",
    "What a model does not sell (a class of cache) counts as fresh input there.",
    "A record that sums several calls is rated as one prompt, which may meet a long-context price.",
]
NO_INTERVAL = "It says what a period would have cost, so it has no interval; other months differ."
OF_SEATS = [
    "What a plan gives in a week was measured by others, of tokens of theirs; the lower median "
    "counts, and the lowest and the highest make the span. Its short windows are not in it: nobody "
    "has measured them in dollars, so a seat may carry less.",
    "A plan covers its own clients alone. Imported logs say which it was; the books do not, and "
    "there all use of the seller's models counts.",
    "A seat is paid for the months in which it has use; discounts and least numbers of seats are "
    "not in it.",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What a report answers.

    Attributes:
        period: In words.
        baseline: What savings are against, in words.
        promised: The saving somebody promises, as a share of the baseline; None without one.
        notes: What else must be known.
        content: What decides the result beside the inputs: the calls' hash, prices and options.
    """

    period: str
    baseline: str
    promised: Fraction | None
    notes: tuple[str, ...]
    content: tuple[str, ...]


class Told(NamedTuple):
    """A scenario and what comes of it.

    Attributes:
        name: Empty for the only one.
        words: What is different.
        would: By what was measured of plans in the middle.
        span: By the least and by the most that was measured; empty without plans.
        notes: What else must be known of it.
    """

    name: str
    words: str
    would: Replay
    span: Sequence[Replay] = ()
    notes: tuple[str, ...] = ()


def whatif_report(
    asked: Question, told: Sequence[Told], inputs: Inputs, base: Replay | None = None
) -> Report:
    """Return the report.

    Args:
        asked: The question.
        told: The scenarios, of the same calls.
        inputs: What a change adds.
        base: The baseline; None when it is what was posted.

    Raises:
        InputError: There are too few calls for an answer.
    """
    first = told[0].would
    calls, least = sum(first.calls), inputs.whole("calls_min")
    if calls < least:
        raise _too_few(calls, least, first.left_out)
    against = first.posted_nanos if base is None else _by_class(base)
    was = sum(against)
    seats = OF_SEATS if any(one.would.seats for one in told) else [NO_INTERVAL]
    notes = dict.fromkeys(note for one in told for note in one.notes)
    return Report(
        command="whatif",
        answer=[
            *_opening(asked, told, was),
            *_left_out(first),
        ],
        figures={
            "calls": str(calls),
            "left_out": str(first.left_out),
            "left_out_usd": plain_usd(first.left_out_nanos),
            "baseline_usd": plain_usd(was),
            "posted_usd": plain_usd(first.was_nanos),
            **{name: value for one in told for name, value in _figures(one, was).items()},
        },
        tables=[*_beside(told, was), *(table for one in told for table in _tables(one, against))],
        charts=[_named(one, steps_chart(one.would)) for one in told],
        limits=[*asked.notes, *notes, *LIMITS, *seats],
        assumptions=assumptions(inputs),
        inputs_sha256=inputs.sha256(*asked.content),
    )


def _too_few(calls: int, least: int, unpriced: int) -> InputError:
    """Return why there is no answer, and which of its reasons to mend."""
    problem = f"Not enough data: {calls} calls with prices, {least} are needed"
    if calls + unpriced < least:
        longer = (
            "Take a longer period (--since, --until), or lower calls_min in a file of --inputs."
        )
        return InputError(f"{problem}; {unpriced} more have none.", longer)
    return InputError(
        f"{problem}; {unpriced} more have none by the old or the new prices at their time.",
        "Take the prices of a day on which every model has some (--as-of DATE), or give prices.",
    )


def _by_class(base: Replay) -> tuple[int, ...]:
    return tuple(base.would_of(number) for number in range(len(base.classes)))


def _opening(asked: Question, told: Sequence[Told], was: int) -> list[str]:
    """Say what was, and what would be: in one sentence for one scenario."""
    calls = sum(told[0].would.calls)
    began = f"{asked.period}: {calls:,} calls. {asked.baseline} they cost {usd(was)} USD"
    if len(told) == 1:
        return [f"{began}, {_would(told[0], was)}", *_more(asked, told[0], was)]
    lines = [f"{began}."]
    for one in told:
        lines += [f"{one.name}: {_would(one, was)}", *_more(asked, one, was)]
    return lines


def _would(one: Told, was: int) -> str:
    would = one.would.would_nanos
    return f"with {one.words} {usd(would)} USD: {_difference(was, would)}."


def _more(asked: Question, one: Told, was: int) -> list[str]:
    """Say how sure that is, who is refused, and whether a promise holds."""
    would, lines = one.would, []
    if one.span:
        most, least = (end.would_nanos for end in one.span)
        lines.append(
            f"By the least and the most that was measured of the plans, {usd(most)} and "
            f"{usd(least)} USD."
        )
    if would.refused:
        lines.append(f"{would.refused:,} calls find a seat full, and nobody serves them.")
    return [*lines, *_promise(asked, would, was)]


def _figures(one: Told, was: int) -> dict[str, str]:
    would = one.would
    found = {
        "scenario_usd": plain_usd(would.would_nanos),
        "saving_usd": plain_usd(was - would.would_nanos),
        "saving_percent": percent(was - would.would_nanos, was),
        **{f"{name}_usd": plain_usd(sum(line)) for name, line in would.lines.items()},
    }
    if one.span:
        most, least = (plain_usd(end.would_nanos) for end in one.span)
        found |= {"scenario_least_given_usd": most, "scenario_most_given_usd": least}
        found |= {"refused": str(would.refused)}
    return {f"{one.name}.{key}" if one.name else key: value for key, value in found.items()}


def _beside(told: Sequence[Told], was: int) -> list[TableView]:
    """Return the scenarios beside each other, where there are several."""
    if len(told) == 1:
        return []
    rows = [
        [
            one.name,
            usd(one.would.would_nanos),
            usd(was - one.would.would_nanos),
            percent(was - one.would.would_nanos, was),
            one.words,
        ]
        for one in told
    ]
    columns = ["scenario", ">USD", ">saved", ">%", "what"]
    return [TableView(title="The scenarios", columns=columns, rows=rows)]


def _tables(one: Told, against: Sequence[int]) -> list[TableView]:
    return [_named(one, table) for table in tables_of(one.would, against)]


Titled = TypeVar("Titled", TableView, ChartView)


def _named(one: Told, shown: Titled) -> Titled:
    """Return a table or chart with the scenario's name before its title."""
    if not one.name:
        return shown
    return msgspec.structs.replace(shown, title=f"{one.name}: {shown.title}")


def _difference(was: int, would: int) -> str:
    if would == was:
        return "the same"
    word = "less" if would < was else "more"
    return f"{usd(abs(was - would))} USD ({percent(abs(was - would), was)} %) {word}"


def _left_out(would: Replay) -> list[str]:
    if not would.left_out:
        return []
    return [
        f"Left out of every figure: {would.left_out:,} calls posted at {usd(would.left_out_nanos)} "
        "USD, which some step has no price for."
    ]


def _promise(asked: Question, would: Replay, was: int) -> list[str]:
    """Say whether a promised saving is possible by these moves: `f = s / (1 - r)`, at most 1."""
    promised = asked.promised
    if promised is None:
        return []
    told = f"A saving of {rounded(HUNDRED * promised, 1)} %"
    carried, fees = -sum(would.lines["carried"]), sum(would.lines["seats"])
    dear = carried + sum(move.was_nanos for move in would.moves)
    if not dear:
        return [f"{told} cannot be judged: no call changes its model, and no seat carries one."]
    ratio = Fraction(fees + sum(move.would_nanos for move in would.moves), dear)
    most = rounded(HUNDRED * saving.highest(ratio), 1)
    models = "the other models" if would.moves else ""
    what = " and ".join(one for one in ("the seats" if would.seats else "", models) if one)
    kind = f"{what} cost {rounded(HUNDRED * ratio, 1)} % of what they replace"
    if ratio >= 1:
        return [f"{told} is impossible: {kind}."]
    if not saving.possible(promised, ratio):
        as_used = "with seats as full as these, " if would.seats else ""
        return [
            f"{told} is impossible: {kind}, so that {as_used}even all work on them saves {most} %, "
            "before retries, checks and cold caches."
        ]
    needed, moved = saving.share_needed(promised, ratio), Fraction(dear, was)
    enough = "as much as" if moved >= needed else "less than"
    return [
        f"{told} needs {rounded(HUNDRED * needed, 1)} % of the spend to move, as {kind}; "
        f"{rounded(HUNDRED * moved, 1)} % does, {enough} that needs."
    ]
