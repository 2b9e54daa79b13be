"""The tables and the chart of a what-if: lines, classes, who moves where, and seats."""

from collections.abc import Sequence
from fractions import Fraction

from headgate.economics.amounts import dollars
from headgate.economics.exact import rounded
from headgate.economics.report import ChartView, SeriesView, TableView
from headgate.economics.whatif.replay import Move, Replay
from headgate.economics.whatif.seats import SeatLine
from headgate.units.money import NANOS_PER_USD

HUNDRED = 100
MEANINGS = {
    "posted": "As they were posted, with their corrections.",
    "rating": "By the price book as it is now, where that differs from what was posted.",
    "prices": "By the other prices.",
    "carried": "What seats carry, which is not bought by the call.",
    "refused": "What seats are full for, and nobody serves.",
    "models": "By the other models, of the same tokens.",
    "tokens": "What their tokenisers count more or less of the same text.",
    "cache": "What they read afresh because their cache was cold.",
    "escalated": "Answers that are turned down and asked for again; those that were, and are not.",
    "retries": "Attempts made again.",
    "checks": "Checks of their results.",
    "seats": "What the seats cost.",
}


def usd(nanos: int) -> str:
    """Return an amount in dollars for people, to the cent."""
    return dollars(Fraction(nanos, NANOS_PER_USD))


def plain_usd(nanos: int) -> str:
    """Return the same as a plain number: a figure, or a point of a chart."""
    return rounded(Fraction(nanos, NANOS_PER_USD), 2)


def percent(part: int, whole: int) -> str:
    """Return a part in percent; of nothing, nothing."""
    return rounded(Fraction(HUNDRED * part, whole), 1) if whole else "0.0"


def tables_of(would: Replay, against: Sequence[int]) -> list[TableView]:
    """Return the tables of a scenario; `against` is what each class cost by the baseline."""
    return [_lines(would), _classes(would, against), *_seats(would), *_moves(would)]


def _lines(would: Replay) -> TableView:
    rows = [["posted", usd(would.was_nanos), MEANINGS["posted"]]]
    rows += [
        [name, _signed(sum(line)), MEANINGS[name]]
        for name, line in would.lines.items()
        if any(line)
    ]
    rows.append(["scenario", usd(would.would_nanos), "What it would have cost."])
    return TableView(
        title="From what was to what would be", columns=["line", ">USD", "what"], rows=rows
    )


def steps_chart(would: Replay) -> ChartView:
    """Return the way from what was posted to what it would have cost."""
    between = [(name, sum(line)) for name, line in would.lines.items() if any(line)]
    points = [
        ("posted", plain_usd(would.was_nanos)),
        *((name, f"{'+' if nanos > 0 else ''}{plain_usd(nanos)}") for name, nanos in between),
        ("scenario", plain_usd(would.would_nanos)),
    ]
    series = SeriesView(name="USD", points=points)
    return ChartView(
        title="From posted to scenario, USD", x="step", y="USD", series=[series], kind="steps"
    )


def _signed(nanos: int) -> str:
    return f"+{usd(nanos)}" if nanos > 0 else usd(nanos)


def _classes(would: Replay, against: Sequence[int]) -> TableView:
    shown = [name for name, line in would.lines.items() if any(line)]
    rows = [
        [
            name,
            f"{would.calls[number]:,}",
            usd(against[number]),
            *(_signed(would.lines[line][number]) for line in shown),
            usd(would.would_of(number)),
            usd(against[number] - would.would_of(number)),
            percent(against[number] - would.would_of(number), against[number]),
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
        f"{move.calls:,}",
        usd(move.was_nanos),
        usd(move.would_nanos),
        percent(move.would_nanos, move.was_nanos),
        rounded(move.tokens, 3),
    ]


def _seats(would: Replay) -> list[TableView]:
    if not would.seats:
        return []
    numbers = (">calls", ">carried", ">used %", ">carried USD", ">beyond USD", ">fee USD", ">saved")
    return [
        TableView(
            title="Who has a seat, at the prices of the book",
            columns=["seat", "plan", *numbers],
            rows=[_seat(one) for one in would.seats],
        )
    ]


def _seat(one: SeatLine) -> list[str]:
    return [
        one.name,
        one.plan.id,
        f"{one.covered:,}",
        f"{one.carried:,}",
        percent(one.carried_nanos, one.given_nanos),
        usd(one.carried_nanos),
        usd(one.covered_nanos - one.carried_nanos),
        usd(one.fee_nanos),
        usd(one.carried_nanos - one.fee_nanos),
    ]
