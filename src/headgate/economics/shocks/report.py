"""The report of a month that was sent again under shocks."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from headgate.economics.amounts import dollars, grouped
from headgate.economics.exact import rounded
from headgate.economics.inputs import Inputs
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.economics.shocks.sampling import Sample
from headgate.economics.shocks.shock import QUIET
from headgate.economics.shocks.tally import Ran, Tally, tally
from headgate.units.money import NANOS_PER_USD

AS_CONFIGURED, LOCKED = "as configured", "locked"
INPUTS = ("reprice_up_factor", "reprice_down_factor", "ration_served")
QUESTIONS_MAX = 5
DAYS_A_MONTH = Fraction("30.4375")
LIMITS = [
    "Prompts are made-up words of the recorded lengths, because no text is kept: what a reply "
    "says, and so what a verifier or a judge makes of it, is not that of your calls.",
    "Providers are simulated on this machine, a token being four bytes; no request leaves it, and "
    "no credential of yours is read.",
    "Calls follow one another without the time between them: waits are counted, not lived, rate "
    "limits and hours of the day do not count, and a breaker has less time to close.",
    "Budgets do not bind here, because a sample spends less than the month did: the spend is held "
    "against monthly limits instead. Approvals, kept replies and deferral are left out.",
    "What a provider may charge for a request that it took and never answered is posted at its "
    "bound, each time it is tried: an estimate, which a bill may show to be less.",
    "What a piece of the sample reads from a cache first is sent there before the shock begins; "
    "whoever a call moves to has it not.",
    "Runs are real: another one may differ by a few calls.",
]


class Limit(NamedTuple):
    """A budget of every month.

    Attributes:
        principals: Whose calls it limits.
    """

    budget: str
    limit_nanos: int
    principals: frozenset[str]


class Told(NamedTuple):
    """What else the report says.

    Attributes:
        period: Which days, and how many `days` those are.
        provider: Whom the shocks hit, and `model` its most used one.
        other: Left out calls, by why.
        posted_nanos: What the sampled names' calls were posted at in the month.
        has: Who says so, with a verb: "the books have".
        locks: Name that was asked for to why nobody else serves it, of those that depend on the
            provider.
        limits: Budgets that the spend is held against.
        stands: Remarks on what stands in for what.
    """

    period: str
    days: Fraction
    provider: str
    model: str
    other: Mapping[str, int]
    posted_nanos: int
    has: str
    locks: Mapping[str, str]
    limits: Sequence[Limit]
    stands: Sequence[str]
    questions: Mapping[str, str]
    content: str
    seed: int


def shocks_report(sample: Sample, runs: Sequence[Ran], inputs: Inputs, told: Told) -> Report:
    """Return the report of all runs, those without a shock among them."""
    quiet = {ran.locked: ran for ran in runs if ran.shock.name == QUIET}
    tallies = [tally(sample, ran, quiet[ran.locked]) for ran in runs]
    problems = [problem for ran in runs for problem in ran.problems]
    return Report(
        command="stress replay",
        answer=[*_answer(sample, tallies, told), _books(runs, problems)],
        figures=_figures(tallies) | {"books_unequal": str(len(problems))},
        tables=[
            _runs(tallies),
            _codes(tallies),
            _locks(sample, tallies, told),
            *_limits(tallies, told),
            _drawn(sample, told),
            *_questions(tallies, told),
        ],
        charts=_charts(tallies),
        limits=[*LIMITS, *told.stands],
        assumptions=assumptions(inputs, INPUTS),
        inputs_sha256=inputs.sha256(told.content, f"seed={told.seed}"),
        seed=told.seed,
    )


def usd(nanos: Fraction | int) -> str:
    """Return an amount for people, to the cent."""
    return dollars(Fraction(nanos) / NANOS_PER_USD)


def _plain(nanos: Fraction | int) -> str:
    return rounded(Fraction(nanos) / NANOS_PER_USD, 2)


def _percent(share: Fraction) -> str:
    return f"{rounded(100 * share, 1)} %"


def _name(found: Tally) -> str:
    return LOCKED if found.ran.locked else AS_CONFIGURED


def _quiet(tallies: Iterable[Tally], *, locked: bool) -> Tally:
    return next(one for one in tallies if one.ran.shock.name == QUIET and one.ran.locked == locked)


def _answer(sample: Sample, tallies: Sequence[Tally], told: Told) -> list[str]:
    quiet = _quiet(tallies, locked=False)
    calls = sum(stratum.calls for stratum in sample.strata)
    lines = [
        f"{len(sample.calls):,} of {calls:,} calls of {told.period} were sent again, for each run; "
        f"the shocks hit {told.provider}. Without one the month costs {usd(quiet.spend_nanos)} "
        f"USD, where {told.has} {usd(told.posted_nanos)} USD."
    ]
    for locked in (False, True):
        hit = [one for one in tallies if one.ran.locked == locked and one.ran.shock.name != QUIET]
        if not hit:
            continue
        worst = max(hit, key=lambda one: one.refused_share)
        dearest = max(hit, key=lambda one: one.spend_nanos)
        loses = (
            f"{worst.ran.shock.name} loses most calls ({_percent(worst.refused_share)})"
            if worst.refused_share
            else "no call is lost"
        )
        costs = (
            f"{dearest.ran.shock.name} costs most ({usd(dearest.spend_nanos)} USD)"
            if dearest.spend_nanos > _quiet(tallies, locked=locked).spend_nanos
            else "none costs more than without"
        )
        lines.append(f"{_name(worst).capitalize()}, {loses}, and {costs}.")
    return lines


def _books(runs: Sequence[Ran], problems: Sequence[str]) -> str:
    if problems:
        return f"The books of {len(runs)} runs do NOT balance: {problems[0]}"
    return (
        f"The books of all {len(runs)} runs balance: nothing is held, the journals replay to the "
        "store, and every token a provider counted is in it."
    )


def _figures(tallies: Iterable[Tally]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in tallies:
        name = f"{one.ran.shock.name}_{'locked' if one.ran.locked else 'configured'}"
        found |= {
            f"{name}_spend_usd": _plain(one.spend_nanos),
            f"{name}_refused_share": rounded(one.refused_share, 4),
            f"{name}_moved_calls": rounded(one.moved, 0),
            f"{name}_cached_share": rounded(one.cached_share, 4),
        }
    return found


def _runs(tallies: Sequence[Tally]) -> TableView:
    rows = []
    for one in tallies:
        quiet = _quiet(tallies, locked=one.ran.locked)
        rows.append(
            [
                one.ran.shock.name,
                _name(one),
                _percent(one.refused_share),
                *(grouped(rounded(count, 0)) for count in (one.refused, one.moved, one.delayed)),
                usd(one.spend_nanos),
                usd(one.spend_nanos - quiet.spend_nanos),
                usd(one.estimated_nanos),
                _percent(one.cached_share),
                _percent(max(Fraction(0), quiet.cached_share - one.cached_share)),
            ]
        )
    counts = [">refused", ">calls refused", ">moved", ">delayed"]
    costs = [">USD", ">more than without", ">of it estimated", ">from cache", ">cache lost"]
    return TableView(
        title="The month under each shock; calls and dollars of the whole month",
        columns=["shock", "routes", *counts, *costs],
        rows=rows,
    )


def _codes(tallies: Sequence[Tally]) -> TableView:
    return TableView(
        title="What each shock is, and what clients were told",
        columns=["shock", "routes", "what happens", "codes of refusals, calls sent"],
        rows=[
            [
                one.ran.shock.name,
                _name(one),
                one.ran.shock.meaning,
                ", ".join(f"{code} {count}" for code, count in one.codes.most_common()),
            ]
            for one in tallies
        ],
    )


def _locks(sample: Sample, tallies: Sequence[Tally], told: Told) -> TableView:
    """Return, for each name, the most it loses as configured, and why."""
    rows = []
    for stratum in sample.strata:
        lost = [
            (one.broken.get(stratum.asked, Fraction(0)) / stratum.calls, one.ran.shock.name)
            for one in tallies
            if not one.ran.locked
        ]
        share, shock = max(lost)
        why = told.locks.get(stratum.asked, "")
        if share or why:
            said = why or "others took over only in part"
            rows.append([stratum.asked, _percent(share), shock if share else "", said])
    return TableView(
        title=f"What locks in to {told.provider}, as configured",
        columns=["asked for", ">refused at worst", "by", "why"],
        rows=rows,
    )


def _limits(tallies: Sequence[Tally], told: Told) -> list[TableView]:
    """Return what share of each monthly limit is spent, by shock, as configured."""
    open_ways = [one for one in tallies if not one.ran.locked]
    rows = []
    for limit in told.limits:
        shares = []
        for one in open_ways:
            spent = sum((one.spent.get(name, Fraction(0)) for name in limit.principals), Fraction())
            monthly = spent * DAYS_A_MONTH / told.days
            shares.append(_percent(monthly / limit.limit_nanos) if limit.limit_nanos else "")
        rows.append([limit.budget, usd(limit.limit_nanos), *shares])
    if not rows:
        return []
    return [
        TableView(
            title="Monthly limits: what share of each a month spends, as configured",
            columns=["budget", ">USD", *(f">{one.ran.shock.name}" for one in open_ways)],
            rows=rows,
        )
    ]


def _drawn(sample: Sample, told: Told) -> TableView:
    rows = [
        [
            one.asked,
            *(f"{count:,}" for count in (one.calls, one.drawn)),
            rounded(one.weight, 2) if one.drawn else "",
            usd(one.posted_nanos),
        ]
        for one in sample.strata
    ]
    rows += [[f"left out: {why}", f"{count:,}", "0", "", ""] for why, count in told.other.items()]
    return TableView(
        title="The sample",
        columns=["asked for", ">calls", ">sent again", ">each stands for", ">posted USD"],
        rows=rows,
    )


def _questions(tallies: Sequence[Tally], told: Told) -> list[TableView]:
    """Return what to ask the vendor, by what hurt: lost calls first, then money."""
    quiet = _quiet(tallies, locked=False)
    hurt = sorted(
        (one for one in tallies if not one.ran.locked),
        key=lambda one: (-one.refused_share, quiet.spend_nanos - one.spend_nanos),
    )
    rows = [
        [one.ran.shock.name, told.questions[one.ran.shock.name]]
        for one in hurt
        if one.ran.shock.name in told.questions
        and (one.refused or one.spend_nanos > quiet.spend_nanos)
    ]
    if not rows:
        return []
    return [
        TableView(
            title=f"Questions for {told.provider}, what hurts most first",
            columns=["shock", "question"],
            rows=rows[:QUESTIONS_MAX],
        )
    ]


def _charts(tallies: Sequence[Tally]) -> list[ChartView]:
    def series(value: str) -> list[SeriesView]:
        found: dict[str, list[tuple[str, str]]] = {}
        for one in tallies:
            number = (
                _plain(one.spend_nanos) if value == "USD" else rounded(100 * one.refused_share, 1)
            )
            found.setdefault(_name(one), []).append((one.ran.shock.name, number))
        return [SeriesView(name=name, points=points) for name, points in found.items()]

    return [
        ChartView(title=title, x="shock", y=y, series=series(y), kind="bars")
        for title, y in (("What the month costs", "USD"), ("Calls that nobody served", "%"))
    ]
