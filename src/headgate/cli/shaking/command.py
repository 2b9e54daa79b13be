"""`headgate stress replay`: reads the month, runs the sample under each shock, and reports."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from headgate.app import planner
from headgate.cli.desk import AsJson, Html, InputsFile, Png, Seed, checked, document, show
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import EXIT_NO, fail
from headgate.cli.shaking.course import Stage, run
from headgate.cli.shaking.document import Caller, standing_of
from headgate.cli.shaking.month import Month, of_books, of_logs
from headgate.cli.shaking.shaken import is_routable
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.economics.inputs import InputError
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.shocks.report import Limit, Told, shocks_report
from headgate.economics.shocks.sampling import Sample, sample
from headgate.economics.shocks.shock import NO_SHOCK, Shock, shocks_of
from headgate.economics.shocks.tally import Ran
from headgate.identity.keys import make_key
from headgate.insights.drill import Past, drill
from headgate.units.instants import to_iso

CALLS_MIN = 20
"""A smaller month, or sample, says nothing."""
STAND_IN = "sent-again"
"""Principal and key of calls whose own are configured no more."""


def replay(  # noqa: PLR0913 - a command has as many parameters as it has options
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back.")] = 30,
    calls: Annotated[
        int, typer.Option(min=CALLS_MIN, max=5_000, help="About so many are sent, per run.")
    ] = 300,
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom it hits; default: the dearest.")
    ] = None,
    shock: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    imported: Annotated[
        bool, typer.Option("--imported", help="Of imported logs; needs no configuration.")
    ] = False,
    among: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Where imported calls may move; may be repeated."),
    ] = None,
    inputs: InputsFile = None,
    seed: Seed = 1,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Send a sample of the month through a gateway of its own, under shocks at one provider.

    The gateway runs on your configuration, with simulated providers on this machine in the place
    of yours; nothing is sent to anybody else and nothing is spent. Of imported logs each model is
    asked for by its name: `headgate stress replay --imported --among gpt-5.5`.
    """
    if among and not imported:
        fail("Routes of the configuration say who else may serve a call.", "Leave out --among.")
    with checked():
        used = load_inputs("stress").changed_by(changes_of(document(inputs)))
        shocks = _chosen(shocks_of(used), shock)
        month = (
            of_logs(data_dir, days, among or ()) if imported else of_books(config, data_dir, days)
        )
        if len(month.calls) < CALLS_MIN:
            since = to_iso(month.since_ns)[:10]
            raise InputError(
                f"Not enough data: {len(month.calls)} calls since {since} can be sent again, "
                f"{CALLS_MIN} are needed.",
                "Look further back with --days, or at imported logs with --imported."
                if not imported
                else "Look further back with --days, or import more: headgate import PATH.",
            )
        drawn = sample(month.calls, calls, seed)
    stage = _stage(month, drawn, _hit(month.snapshot, drawn, provider), seed)
    runs = _run_all(stage, shocks)
    report = shocks_report(drawn, runs, used, _told(stage, month))
    show(report, html, png=png, as_json=as_json)
    if any(ran.problems for ran in runs):
        raise typer.Exit(EXIT_NO)


def _chosen(known: Mapping[str, Shock], names: list[str] | None) -> list[Shock]:
    for name in names or ():
        if name not in known:
            fail(f"There is no shock {name!r}.", near(name, known, "shock"))
    return [known[name] for name in names or known]


def _hit(snapshot: Snapshot, drawn: Sample, wanted: str | None) -> str:
    """Return whom the shocks hit: the one that is wanted, else whom most was paid."""
    if wanted is not None:
        if wanted not in snapshot.providers:
            fail(f"There is no provider {wanted!r}.", near(wanted, snapshot.providers, "provider"))
        return wanted
    paid: Counter[str] = Counter()
    for call in drawn.calls:
        known = snapshot.deployments.get(call.deployment)
        if known is not None:
            paid[known.provider] += call.posted_nanos + 1
    if not paid:
        fail("Nobody who served these calls is configured any more.", "Look back less far.")
    return paid.most_common(1)[0][0]


def _stage(month: Month, drawn: Sample, provider: str, seed: int) -> Stage:
    snapshot = month.snapshot
    used: Counter[str] = Counter()
    for call in drawn.calls:
        known = snapshot.deployments.get(call.deployment)
        if known is not None and known.provider == provider:
            used[known.model] += call.posted_nanos + 1
    model = used.most_common(1)[0][0] if used else ""
    callers = _callers(snapshot, drawn.calls)
    return Stage(month.document, snapshot, drawn, provider, model, callers, seed)


def _callers(snapshot: Snapshot, calls: Sequence[Past]) -> dict[tuple[str, str], Caller]:
    """Return whose key each call is made with: its own, another of its principal, a new one."""
    made: dict[str, Caller] = {}
    found = {}
    budgeted = {call.principal for call in calls if call.budgeted}
    for call in calls:
        mine = [key.id for key in snapshot.keys.values() if key.principal == call.principal]
        name, principal = STAND_IN, STAND_IN
        if call.principal in snapshot.principals:
            principal = call.principal
            name = call.key if call.key in mine else f"{STAND_IN}-{principal}"[:64]
        held = call.principal in budgeted
        caller = Caller(name, principal, make_key(name), held)
        found[call.principal, call.key] = made.setdefault(name, caller)
    return found


def _run_all(stage: Stage, shocks: Sequence[Shock]) -> list[Ran]:
    """Run the sample under each shock, as configured and, where that differs, locked."""
    ways = (False, True) if is_routable({"routes": {}, **stage.document}) else (False,)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        courses = [(shock, lock) for lock in ways for shock in (NO_SHOCK, *shocks)]
        task = progress.add_task("Sending", total=len(courses) * len(stage.sample.calls))
        runs = []
        for shock, lock in courses:
            way = "locked" if lock else "as configured"
            progress.update(task, description=f"{shock.name}, {way}")
            runs.append(run(stage, shock, lambda: progress.advance(task), lock=lock))
    return runs


def _told(stage: Stage, month: Month) -> Told:
    snapshot, calls = stage.snapshot, stage.sample.calls
    return Told(
        period=f"{to_iso(month.since_ns)[:10]} until {to_iso(month.until_ns)[:10]}",
        days=month.days,
        provider=stage.provider,
        model=stage.model,
        other=month.other,
        posted_nanos=sum(call.posted_nanos for call in month.calls),
        has=month.has,
        locks=_locks(stage, month),
        limits=list(_limits(snapshot)),
        stands=[*month.remarks, *_stands(snapshot)],
        questions=load_data("stress")["questions"],
        content=hashlib.sha256(repr((calls, stage.document)).encode()).hexdigest(),
        seed=stage.seed,
    )


def _locks(stage: Stage, month: Month) -> dict[str, str]:
    """Return why nobody else could serve a name, of those whose calls the provider served."""
    snapshot = stage.snapshot
    gone = [each.id for each in snapshot.deployments.values() if each.provider == stage.provider]
    found = drill(
        stage.sample.calls, planner(snapshot, gone), gone, lambda *_: None, time.time_ns()
    )
    return {
        row.asked: month.locked.get(row.fate.rule, row.fate.rule)
        for row in found.rows
        if row.fate.rule is not None
    }


def _limits(snapshot: Snapshot) -> Iterator[Limit]:
    """Yield the monthly budgets of the organisation, teams and principals."""
    lineages = snapshot.lineages()
    for budget in snapshot.budgets.values():
        mine = frozenset(
            name
            for name, principal in snapshot.principals.items()
            if budget.node in ("organisation", f"principal:{name}")
            or budget.node in {f"team:{team}" for team in lineages.get(principal.team, ())}
        )
        if budget.period == "month" and mine:
            yield Limit(budget.id, budget.limit_nanos, mine)


def _stands(snapshot: Snapshot) -> Iterator[str]:
    """Yield where a stand-in is of another kind, or there is none."""
    for name, known in snapshot.providers.items():
        standing = standing_of(snapshot, name)
        if standing.kind != known.kind:
            yield f"{name} ({known.kind}) is stood in for as a provider of kind {standing.kind}."
        if standing.unserved:
            yield f"Nothing stands in for {', '.join(standing.unserved)}: left out."
