"""The report on a replay: cost, quality, latency, and who would have the worst of it."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headgate.economics.replays.policy import Place, Purse, Replayed
from headgate.economics.report import ChartView, Report, SeriesView, TableView
from headgate.units.money import format_usd

PPM = 1_000_000
PRINCIPALS_SHOWN = 10
UNKNOWN = "unknown"
LIMITS = [
    "Each call is taken as it was: that another answer would have led to other calls is not seen.",
    "What moves is rated by its own tokens at list terms of its new place: that models count and "
    "answer in other numbers of tokens is not in it (headgate whatif --model is about that).",
    "Quality is what decisions expected then, or what votes say of the model now; intervals of "
    "deployments are taken to be independent.",
    "A policy sees what was written down of each decision and no more: estimates where the policy "
    "of that day asked for none are unknown, and what a session's policy keeps in mind is as it "
    "was, not as it would be: what a session shows against who serves it, where its tasks end and "
    "which cache is warm depend on who that is.",
    "Latency is the mean of what each deployment took in that time, whatever it was asked; by a "
    "cascade, of each step by its chance.",
    "What a cascade is expected to reach and how often it asks on is by its own formula, which "
    "takes models' mistakes to be independent; what its verifier knew then is in the record.",
]


class Told(NamedTuple):
    """What a report is about.

    Attributes:
        left_out: Attempts that were not answered, or not measured; they are in no figure.
        course: Calls, cost and what it would have been, as they added up.
        content: What decides the report.
    """

    policy: str
    period: str
    left_out: int
    course: Sequence[tuple[int, int, int]]
    content: str


class Quality(NamedTuple):
    """A share of good answers with the ends of its interval, of what is known."""

    value: float
    low: float
    high: float


def replay_report(told: Told, found: Replayed) -> Report:
    """Return the report."""
    was, would = quality(found.places, there=False), quality(found.places, there=True)
    every = found.every
    return Report(
        command="replay",
        answer=_answer(told, found, was, would),
        figures={
            "calls": str(every.calls),
            "attempts": str(found.attempts),
            "moved": str(every.moved),
            "moved_share": _share(every.moved, every.calls),
            "was_usd": format_usd(every.was_nanos),
            "would_usd": format_usd(every.would_nanos),
            "cold_cache_usd": format_usd(found.cold_nanos),
            "quality_was": _interval(was),
            "quality_would": _interval(would),
            "quality_difference": _interval(difference(found)),
            "latency_was_ms": _ms(latency_ms(found.places, there=False)),
            "latency_would_ms": _ms(latency_ms(found.places, there=True)),
            "unpriced": str(found.unpriced),
            "without_estimates": str(found.blind),
            "kept_for_want_of_a_record": str(found.stuck),
            "left_out": str(told.left_out),
        },
        tables=[_places(found.places), _principals(found.principals)],
        charts=[_course(told.course)] if told.course else [],
        limits=LIMITS,
        assumptions=[],
        inputs_sha256=told.content,
    )


def quality(places: Mapping[str, Place], *, there: bool) -> Quality | None:
    """Return how good answers are expected to be, over calls of which something is known."""
    counts = {name: each.known_there if there else each.known for name, each in places.items()}
    total = sum(counts.values())
    if not total:
        return None
    weights = {name: count / total for name, count in counts.items()}
    return _weighed(places, weights)


def difference(found: Replayed) -> Quality | None:
    """Return what would have changed; None where of any call something is unknown."""
    every = found.every
    if not every.calls or every.compared < every.calls:
        return None
    weights = {
        name: (each.known_there - each.known) / every.calls for name, each in found.places.items()
    }
    spread = _weighed(found.places, weights)
    value = -every.lost_ppm / every.compared / PPM
    return Quality(value, value + spread.low - spread.value, value + spread.high - spread.value)


def _weighed(places: Mapping[str, Place], weights: Mapping[str, float]) -> Quality:
    value = width = 0.0
    for name, place in places.items():
        told = place.known + place.known_there
        if told:
            mean, low, high = (each / told / PPM for each in place.quality_ppm)
            value += weights[name] * mean
            width += (weights[name] * (high - low) / 2) ** 2
    half = math.sqrt(width)
    return Quality(value, value - half, value + half)


def latency_ms(places: Mapping[str, Place], *, there: bool) -> int | None:
    """Return how long an answer takes on average; None where nobody knows of some place.

    Of a call that asked several, one after the other, that is all of their time.
    """
    total, calls = 0, sum(place.was for place in places.values())
    for place in places.values():
        count_ppm = place.would_ppm if there else PPM * place.asked
        if count_ppm and not place.asked:
            return None
        if count_ppm:
            total += count_ppm * place.duration_ms // place.asked // PPM
    return total // calls if calls else None


def _answer(told: Told, found: Replayed, was: Quality | None, would: Quality | None) -> list[str]:
    every = found.every
    if not every.calls:
        return [f"No call was answered and measured in {told.period}."]
    change = every.would_nanos - every.was_nanos
    word = "less" if change <= 0 else "more"
    known = sum(place.known_there for place in found.places.values())
    lines = [
        f"Of {every.calls} calls in {told.period}, {_share(every.moved, every.calls)} would have "
        f"gone elsewhere by {told.policy}.",
        f"They cost {format_usd(every.was_nanos)} USD and would have cost "
        f"{format_usd(every.would_nanos)} USD, {_share(abs(change), every.was_nanos)} {word}, "
        f"{format_usd(found.cold_nanos)} USD of it for caches that would have been cold.",
        f"Quality: {_interval(was)} as it was, {_interval(would)} as it would be"
        + ("." if known == every.calls else f", of {_share(known, every.calls)} of the calls."),
    ]
    changed = difference(found)
    lines.append(
        "How quality would differ is unknown: tell outcomes, or run headgate eval."
        if changed is None
        else f"The difference in quality: {_interval(changed)}."
    )
    if found.unpriced:
        lines.append(f"{found.unpriced} calls have no price where they would go: in no sum.")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0.0 %"


def _interval(one: Quality | None) -> str:
    return UNKNOWN if one is None else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _ms(value: int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _places(places: Mapping[str, Place]) -> TableView:
    rows = []
    for name, place in sorted(places.items(), key=lambda item: -item[1].was):
        told = place.known + place.known_there
        known = [each / told / PPM for each in place.quality_ppm] if told else None
        rows.append(
            [
                *(name, str(place.was), str(place.would)),
                _ms(place.duration_ms // place.asked if place.asked else None),
                UNKNOWN if known is None else _interval(Quality(*known)),
            ]
        )
    columns = ["deployment", ">calls", ">would be", ">mean ms", ">quality"]
    return TableView(title="Where calls go", columns=columns, rows=rows)


def _principals(principals: Mapping[str, Purse]) -> TableView:
    def badness(item: tuple[str, Purse]) -> tuple[int, int]:
        purse = item[1]
        lost = purse.lost_ppm // purse.compared if purse.compared else 0
        return -lost, purse.was_nanos - purse.would_nanos

    rows = [
        [
            *(name, str(purse.calls), _share(purse.moved, purse.calls)),
            *(format_usd(purse.was_nanos), format_usd(purse.would_nanos)),
            f"{-100 * purse.lost_ppm / purse.compared / PPM:+.1f}" if purse.compared else UNKNOWN,
        ]
        for name, purse in sorted(principals.items(), key=badness)[:PRINCIPALS_SHOWN]
    ]
    numbers = [">calls", ">moved", ">USD", ">would be", ">quality, points"]
    return TableView(title="Who has the worst of it", columns=["principal", *numbers], rows=rows)


def _course(course: Sequence[tuple[int, int, int]]) -> ChartView:
    return ChartView(
        title="Cost, call by call",
        x="calls",
        y="USD",
        series=[
            SeriesView(
                name=name, points=[(str(each[0]), format_usd(each[number])) for each in course]
            )
            for number, name in ((1, "as it was"), (2, "as it would be"))
        ],
    )
