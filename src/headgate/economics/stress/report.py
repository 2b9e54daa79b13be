"""The report of a stress test: the answer, costs, regret, crossover, breaches, questions."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from headgate.economics.amounts import dollars, places_of
from headgate.economics.report import Report, TableView, assumptions
from headgate.economics.stress.architectures import NAMES, PROTECTED, ROUTABLE, architecture
from headgate.economics.stress.charts import ends, over_time, surface_chart, usd
from headgate.economics.stress.draws import Floats
from headgate.economics.stress.simulate import (
    DECAY_SHARES,
    Run,
    crossover,
    harms,
    option_value,
    regret_surface,
    routable_shares,
    standard_error,
    worst_mean,
)
from headgate.economics.stress.terms import terms_of

QUESTIONS_MAX = 5
LIMITS = [
    "Every rate and size is an assumption with a source below; the answer is only as good as they "
    "are. Change them with --inputs.",
    "Medians, tails and regrets are of simulated paths; the standard error of a mean is given.",
    "Bits repeat for one seed, one release of NumPy and one kind of processor; what is shown is "
    "rounded, so others agree but for rare last digits.",
    "A price is one number per architecture: what is fresh, cached or output is not told apart.",
]


def stress_report(run: Run, questions: Mapping[str, str], mine: str) -> Report:
    """Return the report of a run, seen by who has the architecture `mine`."""
    surface = regret_surface(run)
    shares = routable_shares(run)
    routable = float(run.inputs["routable"])
    crossing = crossover(surface[shares.index(routable)])
    figures = _figures(run) | {"crossover_decay_share": _share(crossing)}
    months = run.world.demand_usd.shape[1]
    return Report(
        command="stress",
        answer=_answer(run, crossing, months),
        figures=figures,
        tables=[
            _costs(run),
            _regrets(run),
            _surface(shares, surface),
            _breaches(run),
            *_hurts(run, questions, mine),
        ],
        charts=[over_time(run), ends(run), surface_chart(shares, surface, routable)],
        limits=LIMITS,
        assumptions=assumptions(run.inputs),
        inputs_sha256=run.inputs.sha256(*_arguments(run, mine)),
        seed=run.seed,
    )


def _together(rows: Iterable[Iterable[float]]) -> list[list[str]]:
    """Return amounts of one table as text, all to the same place."""
    exact = [[Fraction(value) for value in row] for row in rows]
    places = places_of(value for row in exact for value in row)
    return [[dollars(value, places) for value in row] for row in exact]


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _arguments(run: Run, mine: str) -> list[str]:
    paths, months = run.world.demand_usd.shape
    return [f"seed={run.seed}", f"paths={paths}", f"months={months}", f"mine={mine}"]


def _answer(run: Run, crossing: float | None, months: int) -> list[str]:
    costs = {name: run.outcomes[name].cost_usd for name in NAMES}
    medians = {name: float(np.median(costs[name])) for name in NAMES}
    best = min(medians, key=lambda name: medians[name])
    safest = min(costs, key=lambda name: worst_mean(costs[name]))
    wins = float((costs[PROTECTED] > costs[ROUTABLE]).mean())
    decay = run.inputs.items["decay_share"].text
    turn = (
        "routing and a price-protected discount do not cross within the decays looked at"
        if crossing is None
        else f"routing begins to beat a price-protected discount at {crossing:.2f} of it"
    )
    [[middle, worst]] = _together([[medians[best], worst_mean(costs[safest])]])
    return [
        f"Over {months} months {best} is cheapest in the median ({middle} USD), and "
        f"{safest} in the worst twentieth of cases ({worst} USD).",
        f"Routable costs less than price-protected on {_percent(wins)} of paths.",
        f"Prices fall at {decay} of the stated pace here; {turn}.",
    ]


def _figures(run: Run) -> dict[str, str]:
    figures: dict[str, str] = {}
    for name in NAMES:
        costs, key = run.outcomes[name].cost_usd, name.replace("-", "_")
        figures |= {
            f"{key}_p50_usd": usd(float(np.median(costs))),
            f"{key}_p95_usd": usd(float(np.quantile(costs, 0.95))),
            f"{key}_cvar95_usd": usd(worst_mean(costs)),
            f"{key}_mean_usd": usd(float(costs.mean())),
        }
    regret = run.outcomes[PROTECTED].cost_usd - run.outcomes[ROUTABLE].cost_usd
    return figures | {
        "regret_p50_usd": usd(float(np.median(regret))),
        "regret_above_0_share": f"{float((regret > 0).mean()):.4f}",
        "option_value_usd": usd(option_value(run, PROTECTED)),
    }


def _costs(run: Run) -> TableView:
    found = [run.outcomes[name] for name in NAMES]
    amounts = _together(
        [
            *np.quantile(one.cost_usd, (0.05, 0.5, 0.95)),
            worst_mean(one.cost_usd),
            one.cost_usd.mean(),
            standard_error(one.cost_usd),
            one.loss_usd.sum(axis=1).mean(),
        ]
        for one in found
    )
    columns = [">P5 USD", ">P50 USD", ">P95 USD", ">CVaR95 USD", ">mean USD", ">standard error"]
    return TableView(
        title="Cost of all months: spend and lost work",
        columns=["architecture", *columns, ">of it lost work", ">unserved"],
        rows=[
            [name, *texts, _percent(float(one.unserved.mean()))]
            for name, texts, one in zip(NAMES, amounts, found, strict=True)
        ],
    )


def _regrets(run: Run) -> TableView:
    names = [name for name in NAMES if name != ROUTABLE]
    routed = run.outcomes[ROUTABLE].cost_usd
    regrets = [run.outcomes[name].cost_usd - routed for name in names]
    amounts = _together(
        [*np.quantile(regret, (0.5, 0.95)), option_value(run, name)]
        for name, regret in zip(names, regrets, strict=True)
    )
    return TableView(
        title="Regret: cost above routable, path by path",
        columns=["architecture", ">P50 USD", ">P95 USD", ">chance above 0", ">option value USD"],
        rows=[
            [name, middle, high, _percent(float((regret > 0).mean())), value]
            for name, regret, (middle, high, value) in zip(names, regrets, amounts, strict=True)
        ],
    )


def _surface(shares: list[float], surface: list[list[float]]) -> TableView:
    rows = [
        [_percent(share), *texts, _share(crossover(row))]
        for share, row, texts in zip(shares, surface, _together(surface), strict=True)
    ]
    return TableView(
        title="Crossover: median regret of price-protected by decay (share of the stated pace)",
        columns=["routable", *(f">{decay}" for decay in DECAY_SHARES), ">routing wins from"],
        rows=rows,
    )


def _breaches(run: Run) -> TableView:
    inputs = run.inputs
    limits = ("budget_usd", "month_max_usd", "unserved_max")
    rows = []
    for name in NAMES:
        found = run.outcomes[name]
        monthly: Floats = (found.spend_usd + found.loss_usd).max(axis=1)
        worst = (found.cost_usd, monthly, found.unserved)
        chances = [
            float((values > float(inputs[limit])).mean())
            for values, limit in zip(worst, limits, strict=True)
        ]
        chosen = architecture(name, terms_of(inputs))
        rows.append([name, *(_percent(one) for one in chances), _percent(chosen.incumbent)])
    return TableView(
        title="Breaches: chance that a limit is broken",
        columns=["architecture", *(f">{limit}" for limit in limits), ">with one vendor"],
        rows=rows,
    )


def _hurts(run: Run, questions: Mapping[str, str], mine: str) -> list[TableView]:
    found = harms(run, mine)
    asked = [harm for harm in found if harm.worst_usd > 0][:QUESTIONS_MAX]
    amounts = _together([one.mean_usd, one.worst_usd] for one in found)
    return [
        TableView(
            title=f"What hurts {mine}: cost with a shock less cost without it",
            columns=["shock", ">mean USD", ">worst twentieth USD"],
            rows=[[one.shock, *texts] for one, texts in zip(found, amounts, strict=True)],
        ),
        TableView(
            title="Questions for the vendor, what hurts most first",
            columns=["shock", "question"],
            rows=[[one.shock, questions[one.shock]] for one in asked],
        ),
    ]
