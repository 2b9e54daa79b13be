"""Prometheus: the text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats).

Numbers are written exactly, from integers; whoever reads them has floats. No label is a person, a
key, a run or a call: those are not bounded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from headgate.budgets.settings import RUN_ANY
from headgate.budgets.standing import Standing
from headgate.exports.tally import BOUNDS_US, Counted, Labels, Tally, Timed
from headgate.insights.drift import Drift
from headgate.insights.quality import Worse
from headgate.insights.routes import Queued, Unwell
from headgate.units.money import format_usd

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

PREFIX = "headgate_"
MICROS_PER_SECOND = 1_000_000
TEAM_MODEL = ("team", "model")


class Sample(NamedTuple):
    """A number under some labels; the ending tells the parts of a histogram apart."""

    labels: Mapping[str, str]
    value: str
    ending: str = ""


class Family(NamedTuple):
    """A metric: its name behind the prefix, what it counts, and its numbers."""

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]


class State(NamedTuple):
    """What is so now, beside what was counted.

    Attributes:
        budgets: The windows of configured budgets now.
        held_nanos: Held by all attempts that run.
        running: How many those are.
        behind_bytes: What journals have that is not folded yet.
        adjusted_nanos: What all corrections add to what was posted.
        drifts: How far providers' reports are from the books, of the last month.
        worse: Deployments whose answers became worse.
    """

    version: str
    budgets: Sequence[Standing]
    held_nanos: int
    running: int
    unwell: Unwell
    queued: Sequence[Queued]
    behind_bytes: int
    adjusted_nanos: int = 0
    drifts: Sequence[Drift] = ()
    worse: Sequence[Worse] = ()


def render(tally: Tally, state: State) -> str:
    """Return all metrics as text."""
    return "".join(_text(family) for family in (*_counters(tally), *_gauges(state)))


def _text(family: Family) -> str:
    name = PREFIX + family.name
    lines = [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
    for sample in family.samples:
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
        lines.append(f"{name}{sample.ending}{{{labels}}} {sample.value}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _counters(tally: Tally) -> Iterator[Family]:
    yield _counter("calls_total", "Calls with at least one attempt.", tally.calls, "team")
    yield _counter(
        "attempts_total",
        "Attempts that ended: measured, failed, estimated, unknown or void.",
        tally.attempts,
        *("team", "deployment", "state"),
    )
    yield _counter(
        "refusals_total",
        "Calls refused before any attempt, by code.",
        tally.refusals,
        *("team", "code"),
    )
    yield _counter(
        "usage_total",
        "What was used, by meter: tokens, or requests of tools.",
        tally.tokens,
        *(*TEAM_MODEL, "meter"),
    )
    spend = "What attempts were posted at, in dollars."
    yield _money("spend_usd_total", spend, tally.spend_nanos)
    estimated = "The part that was posted at a bound, in dollars."
    yield _money("estimated_usd_total", estimated, tally.estimated_nanos)
    yield _histogram(
        "attempt_duration_seconds", "From sending an attempt to its end.", tally.durations
    )
    yield _histogram(
        "time_to_first_byte_seconds",
        "From sending an attempt to the first byte of its reply.",
        tally.first_bytes,
    )


def _counter(name: str, help_: str, counted: Counted, *labels: str) -> Family:
    samples = [Sample(_named(labels, key), str(sum_)) for key, sum_ in counted.sums.items()]
    return Family(name, "counter", help_, samples)


def _money(name: str, help_: str, counted: Counted) -> Family:
    sums = counted.sums.items()
    samples = [Sample(_named(TEAM_MODEL, key), format_usd(nanos)) for key, nanos in sums]
    return Family(name, "counter", help_, samples)


def _histogram(name: str, help_: str, timed: Timed) -> Family:
    samples: list[Sample] = []
    for key, histogram in timed.histograms.items():
        labels, seen = _named(("deployment",), key), 0
        bounds = [*map(_seconds, BOUNDS_US), "+Inf"]
        for bound, count in zip(bounds, histogram.counts, strict=True):
            seen += count
            samples.append(Sample({**labels, "le": bound}, str(seen), "_bucket"))
        samples.append(Sample(labels, _seconds(histogram.sum_us), "_sum"))
        samples.append(Sample(labels, str(seen), "_count"))
    return Family(name, "histogram", help_, samples)


def _named(names: Sequence[str], values: Labels) -> dict[str, str]:
    return dict(zip(names, values, strict=True))


def _seconds(time_us: int) -> str:
    seconds, micros = divmod(time_us, MICROS_PER_SECOND)
    return f"{seconds}.{micros:06d}"


def _gauges(state: State) -> Iterator[Family]:
    yield _gauge("build_info", "The program that runs.", [Sample({"version": state.version}, "1")])
    yield _gauge(
        "held_usd", "Held by attempts that run.", [Sample({}, format_usd(state.held_nanos))]
    )
    yield _gauge("running_attempts", "Attempts that run.", [Sample({}, str(state.running))])
    behind = "Bytes of journals that are not folded into the store yet."
    yield _gauge("fold_behind_bytes", behind, [Sample({}, str(state.behind_bytes))])
    corrected = "What all corrections add to what was posted."
    yield _gauge("adjusted_usd", corrected, [Sample({}, format_usd(state.adjusted_nanos))])
    for what, help_ in (
        ("drift", "Differences of providers' reports from the books, without their signs."),
        ("unknown", "The part of them that no reason accounts for."),
    ):
        drifts = [
            Sample({"provider": each.provider}, format_usd(getattr(each, f"{what}_nanos")))
            for each in state.drifts
        ]
        name = "drift_usd" if what == "drift" else "drift_unknown_usd"
        yield _gauge(name, help_, drifts)
    yield from _budgets([each for each in state.budgets if each.node != RUN_ANY])
    passed_over = [
        Sample({"deployment": name, "rule": each.rule}, "1") for name, each in state.unwell.items()
    ]
    yield _gauge("deployment_passed_over", "Deployments that are not asked now.", passed_over)
    worse = [
        Sample({"deployment": each.deployment, "source": each.source}, "1") for each in state.worse
    ]
    yield _gauge("deployment_worse", "Deployments whose answers became worse.", worse)
    for what, help_ in (("waiting", "Calls that wait"), ("running", "Calls that have a place")):
        queue = [
            Sample(
                {"deployment": each.deployment, "priority": each.priority, "team": each.team},
                str(getattr(each, what)),
            )
            for each in state.queued
        ]
        yield _gauge(f"queue_{what}", f"{help_}, where some wait.", queue)


def _budgets(standings: Sequence[Standing]) -> Iterator[Family]:
    for what, help_ in (
        ("limit", "The limit of a budget's window now, raises included."),
        ("posted", "Posted on it."),
        ("held", "Held on it."),
        ("lent", "Lent to workers of what is free."),
        ("unaccounted", "Lost sight of in a power cut; counts as spent."),
        ("carved", "Allotted to delegations."),
        ("free", "What calls can still claim."),
    ):
        samples = [
            Sample(
                {"budget": each.id, "node": each.node},
                format_usd(getattr(each, f"{what}_nanos")),
            )
            for each in standings
        ]
        yield _gauge(f"budget_{what}_usd", help_, samples)


def _gauge(name: str, help_: str, samples: Sequence[Sample]) -> Family:
    return Family(name, "gauge", help_, samples)
