"""`headgate routing models`: what votes say of each model, and how many until it is trusted."""

import time
from pathlib import Path

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import complain, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.config.snapshot import Snapshot
from headgate.insights.contract_learning import ModelsView, StandingView, VoteSourceView, WorseView
from headgate.insights.quality import Worse, worse
from headgate.insights.votes import PPM
from headgate.node.learning import learned_path
from headgate.routing.learning.learner import Learner
from headgate.routing.learning.state import read_learner
from headgate.routing.learning.tally import Tally
from headgate.routing.learning.votes import Agreement
from headgate.units.instants import to_iso
from headgate.units.sealed import StateError

DIGITS = 4


def models(
    config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT, as_json: AsJson = False
) -> None:
    """Show what was learned of each model from votes, and how many more it needs."""
    snapshot = read_configuration(config)
    with reading_if_any(data_dir) as connection:
        drifted = worse(connection)
    view = _view(snapshot, learned(data_dir, snapshot), drifted)
    if as_json:
        print_json(view)
        return
    shown = table("model", ">votes", ">good", "95 %", ">probes until trusted")
    for each in view.models:
        interval = f"{each.low:.1%} to {each.high:.1%}" if each.n else "-"
        good = f"{each.rate:.1%}" if each.n else "-"
        shown.add_row(each.model, f"{each.n:.1f}", good, interval, str(each.probes))
    print_table(shown)
    sources = (f"{each.source} {each.reliability:.0%}" for each in view.sources)
    say(f"Taken to be right: {', '.join(sources)}.")
    for bad in view.worse:
        say(
            f"{bad.deployment} answers worse since {bad.since}: {bad.now:.0%} good, "
            f"{bad.usual:.0%} before ({bad.source})."
        )


def learned(data_dir: Path, snapshot: Snapshot) -> Learner:
    """Return what the steward has learned; what cannot be read is said, and nothing is shown."""
    path = learned_path(data_dir)
    settings = snapshot.learning
    fresh = Learner(Tally(settings.half_life_ns, time.time_ns()), settings.order)
    try:
        return read_learner(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return fresh
    except StateError as error:
        complain(f"{path} cannot be used: {error}.", "The steward sets it aside when it starts.")
        return fresh


def _view(snapshot: Snapshot, learner: Learner, drifted: list[Worse]) -> ModelsView:
    outcomes = learner.outcomes(time.time_ns(), snapshot.learning)
    configured = {each.priced_as for each in snapshot.deployments.values()}
    rows = []
    for model in sorted(configured | {*outcomes.models}):
        found = outcomes.standing(model)
        rows.append(
            StandingView(
                model=model,
                n=round(found.n, DIGITS),
                rate=round(found.rate, DIGITS),
                low=round(found.low, DIGITS),
                high=round(found.high, DIGITS),
                probes=found.probes,
            )
        )
    return ModelsView(
        models=rows,
        sources=[
            VoteSourceView(
                source=source,
                reliability=round(reliability, DIGITS),
                compared=int(learner.agreements.get(source, Agreement()).n),
            )
            for source, reliability in sorted(learner.reliability(snapshot.learning).items())
        ],
        worse=[_worse(each) for each in drifted],
    )


def _worse(each: Worse) -> WorseView:
    return WorseView(
        deployment=each.deployment,
        model=each.model,
        source=each.source,
        since=to_iso(each.since_ns),
        votes=each.votes,
        usual=each.usual_ppm / PPM,
        now=each.now_ppm / PPM,
    )
