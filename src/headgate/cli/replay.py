"""`headgate replay`: run past calls through another policy, before it serves any."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from headgate.cli.desk import AsJson, Html, Png, checked, show
from headgate.cli.learning.models import learned
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.policy_option import PolicyName, told_of
from headgate.cli.pricing.impact import stretch
from headgate.cli.reading import read_configuration, reading
from headgate.config.load_policy import policy_named
from headgate.config.snapshot import Snapshot
from headgate.economics.replays.load_served import Served, Stretch, count_served, served
from headgate.economics.replays.policy import Hope, Replayed, World, replay
from headgate.economics.replays.report import Told, replay_report
from headgate.units.instants import to_iso

app = typer.Typer()

COURSE_MAX = 200
"""So many points a chart has."""

PPM = 1_000_000


@app.command("replay")
def run(  # noqa: PLR0913 - an option is a parameter
    policy: PolicyName,
    since: Annotated[
        str | None, typer.Option("--from", help="First day; default: the first of last month.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The day after the last; default: the end of it.")
    ] = None,
    asked: Annotated[str | None, typer.Option(help="Calls of one alias; default: of all.")] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Say what past calls would have cost, and how good they would be, by another policy."""
    snapshot = read_configuration(config)
    chosen = policy_named(policy, snapshot.policies)
    wanted = Stretch(*stretch(since, until, snapshot.zone), asked)
    world = World(chosen, snapshot.price_book, snapshot.deployments, _evidence(data_dir, snapshot))
    with checked(), reading(data_dir) as connection:
        many, left_out = count_served(connection, wanted)
        found, course = _replayed(served(connection, wanted), world, many)
    period = f"{to_iso(wanted.since_ns)[:10]} until {to_iso(wanted.until_ns)[:10]}"
    content = f"{told_of(chosen)}\n{wanted}\n{found.every}"
    told = Told(
        policy=chosen.settings.name,
        period=period,
        left_out=left_out,
        course=course,
        content=hashlib.sha256(content.encode()).hexdigest(),
    )
    show(replay_report(told, found), html, png=png, as_json=as_json)


def _evidence(data_dir: Path, snapshot: Snapshot) -> Mapping[str, Hope]:
    """Return what votes say of models by now; those without votes are not there."""
    outcomes = learned(data_dir, snapshot).outcomes(time.time_ns(), snapshot.learning)
    standing = {model: outcomes.standing(model) for model in outcomes.models}
    return {
        model: Hope(*(round(PPM * each) for each in (found.rate, found.low, found.high)))
        for model, found in standing.items()
        if found.n
    }


def _replayed(
    calls: Iterator[Served], world: World, many: int
) -> tuple[Replayed, list[tuple[int, int, int]]]:
    """Return the replay and its course; tells how far it is."""
    found = Replayed()
    course = [(0, 0, 0)]
    every = max(1, many // COURSE_MAX)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Replaying", total=many)
        for found in replay(calls, world):
            done = found.every
            progress.update(task, completed=done.calls)
            if done.calls - course[-1][0] >= every:
                course.append((done.calls, done.was_nanos, done.would_nanos))
    return found, course
