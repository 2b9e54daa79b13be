"""`headgate whatif`: what a past period would have cost at other prices, routed, or on plans."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, Png, checked, document, hash_of, show
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import fail
from headgate.cli.policy_option import PolicyAsked
from headgate.cli.pricing.impact import Change, Scale, Since, Until
from headgate.cli.whatif_period import Period, past, period_of
from headgate.cli.whatif_scenarios import asked_of, scenario_of, words
from headgate.economics.inputs import Inputs
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.report import Report
from headgate.economics.whatif.load_scenarios import (
    API,
    POSTED,
    Beyond,
    Scenarios,
    Wanted,
    load_scenarios,
)
from headgate.economics.whatif.replay import replays
from headgate.economics.whatif.report import Question, Told, whatif_report
from headgate.economics.whatif.scenario import Scenario, everything_on, priced_model
from headgate.economics.whatif.seats import End
from headgate.economics.whatif.tables import HUNDRED
from headgate.economics.whatif.tokenisers import factor, families_of
from headgate.units.money import exact_fraction

Models = Annotated[
    list[str] | None,
    typer.Option(metavar="OLD=NEW", help="Another model for one, or for all: '*=NEW'."),
]
Among = Annotated[
    list[str] | None,
    typer.Option(metavar="MODEL", help="A model that a policy may choose, for imported calls."),
]
Only = Annotated[
    list[str] | None, typer.Option(metavar="CLASS", help="Change models of these classes.")
]
Plans = Annotated[
    list[str] | None,
    typer.Option(metavar="[SEAT=]PLAN", help="A plan that a seat, or everybody, would have had."),
]
BeyondPlans = Annotated[
    Beyond, typer.Option(help="What a seat does not carry is bought from the API, or refused.")
]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="Prices in force on that day, in UTC.")
]
By = Annotated[
    str | None,
    typer.Option(
        help="Classes: side, seat, project, model; of the books team, principal, model, tag:NAME."
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL|NAME", help="Savings are against all on that model, or that scenario."
    ),
]
Promised = Annotated[
    str | None, typer.Option(metavar="PERCENT", help="A saving to check, such as 60.")
]
ScenariosFile = Annotated[
    Path | None,
    typer.Option("--scenarios", metavar="FILE", help="TOML with several: [scenarios.NAME]."),
]
Imported = Annotated[
    bool, typer.Option("--imported", help="Of imported logs; needs no configuration.")
]

ENDS: tuple[End, ...] = ("low", "high")

app = typer.Typer()


@app.command()
def whatif(  # noqa: PLR0913 - a command has as many parameters as it has options
    change: Change = None,
    model: Models = None,
    policy: PolicyAsked = None,
    among: Among = None,
    only: Only = None,
    plan: Plans = None,
    beyond: BeyondPlans = API,
    scale: Scale = None,
    as_of: AsOf = None,
    scenarios: ScenariosFile = None,
    by: By = None,
    baseline: Baseline = None,
    promised: Promised = None,
    since: Since = None,
    until: Until = None,
    imported: Imported = False,
    inputs: InputsFile = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Rate a past period again, line by line; last month when no period is named.

    Examples: `headgate whatif --imported --model claude-opus-4-8=claude-sonnet-5 --promised 60`,
    `headgate whatif --policy cheapest --by tag:task`,
    `headgate whatif --imported --plan ann=claude-max-5x`.
    """
    with checked():
        used = load_inputs("whatif").changed_by(changes_of(document(inputs)))
        period = period_of(config, (since, until), imported=imported)
        asked = {
            "prices": change,
            "models": tuple(model or ()),
            "policy": policy,
            "among": tuple(among or ()),
            "only": tuple(only or ()),
            "plans": tuple(plan or ()),
            "scale": tuple(scale or ()),
            "as_of": as_of,
        }
        if scenarios is None:
            wanted = (Wanted(**asked, beyond=beyond),)  # type: ignore[arg-type]  # by their names
            given = Scenarios(wanted, baseline or POSTED)
        elif any(asked.values()) or beyond != API:
            fail("A FILE of scenarios says all of it.", "Leave out what else is asked.")
        else:
            given = load_scenarios(scenarios)
            given = replace(given, baseline=baseline or given.baseline)
        report = _report(given, period, used, Asking(by, _share(promised), data_dir, config))
    show(report, html, png=png, as_json=as_json)


class Asking(NamedTuple):
    """How a period is asked about: what tells classes apart, a promise, and where things are."""

    by: str | None
    promised: Fraction | None
    data_dir: Path
    config: Path


def _report(given: Scenarios, period: Period, inputs: Inputs, asking: Asking) -> Report:
    asked = [asked_of(one, period) for one in given.wanted]
    families = families_of(load_data("whatif"))
    tokens = partial(factor, inputs, families)
    afters = [one.after for one in asked]
    with past(period, afters, asking.data_dir, asking.by, tokens) as found:
        scenarios = [scenario_of(one, period, found, inputs) for one in asked]
    other = _other(given, period)
    spans = [_span(one) for one in scenarios]
    every = [*scenarios, *(end for span in spans for end in span), *other]
    would = replays(found.calls, every, inputs, families)
    ends = iter(would[len(asked) :])
    told = [
        Told(one.wanted.name, words(one.wanted), each, [next(ends) for _ in span], made.notes)
        for one, each, span, made in zip(asked, would, spans, scenarios, strict=False)
    ]
    names = [one.wanted.name for one in asked]
    base = would[-1] if other else None
    if given.baseline in names:
        base = would[names.index(given.baseline)]
    question = Question(
        period=period.words,
        baseline=_baseline(given.baseline, names),
        promised=asking.promised,
        notes=found.notes,
        content=(
            found.calls.fingerprint(),
            f"{period.since_ns}..{period.until_ns}",
            hash_of(None if period.snapshot is None else asking.config),
            *(text for one in asked for text in one.content),
            *(str(one) for one in (asking.by, given.baseline, asking.promised)),
        ),
    )
    return whatif_report(question, told, inputs, base)


def _other(given: Scenarios, period: Period) -> list[Scenario]:
    """Return the baseline of one model, where one is named that is no scenario."""
    names = [one.name for one in given.wanted]
    if given.baseline == POSTED or given.baseline in names:
        return []
    return [everything_on(priced_model(given.baseline, period.book), period.book)]


def _span(scenario: Scenario) -> list[Scenario]:
    """Return a scenario by the least and by the most that plans give; nothing without plans."""
    seats = scenario.seats
    if seats is None:
        return []
    return [replace(scenario, seats=seats._replace(end=end)) for end in ENDS]


def _baseline(name: str, scenarios: Sequence[str]) -> str:
    if name == POSTED:
        return "As posted"
    return f"With {name}" if name in scenarios else f"All on {name}"


def _share(text: str | None) -> Fraction | None:
    if text is None:
        return None
    value = exact_fraction(text.removesuffix("%"))
    if value is None or not 0 < value <= HUNDRED:
        fail(f"{text!r} is no saving.", "Write percent, such as --promised 60.")
    return value / HUNDRED
