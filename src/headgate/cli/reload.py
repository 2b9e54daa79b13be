"""`headgate reload`: have the running node take up the changed configuration, calls and all."""

import os
import signal
import time
from pathlib import Path

import typer

from headgate.budgets.standing import standings
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_CONFIGURATION, complain, fail, print_json
from headgate.cli.reading import reading_if_any
from headgate.insights.contract import ProblemView, ReloadView
from headgate.insights.windows import over_text
from headgate.node import in_force, locks
from headgate.node.outcome import Outcome, last
from headgate.node.paths import read_pid
from headgate.units.errors import StewardUnavailableError

app = typer.Typer()

LOOK_S = 0.02
ANSWER_S = 90.0
"""Longer than a node tries to start workers."""


@app.command("reload")
def reload_node(
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Have the node take up its configuration file; with problems in it, the old one stays."""
    outcome = _reload(data_dir)
    notes = [] if outcome.problems else _over_limits(config, data_dir)
    if as_json:
        print_json(_view(outcome, notes))
    elif not outcome.problems:
        typer.echo(f"The configuration is in force.{_finishing(outcome.retiring)}")
        for note in notes:
            typer.echo(note)
    for problem in () if as_json else outcome.problems:
        complain(f"{problem.file}: {problem.key}: {problem.problem}", problem.fix)
    if outcome.problems:
        if not as_json:
            typer.echo("Nothing has changed: the configuration before it stays in force.", err=True)
        raise typer.Exit(EXIT_CONFIGURATION)


def _reload(data_dir: Path) -> Outcome:
    pid = _supervisor(data_dir)
    before = last(data_dir)
    os.kill(pid, signal.SIGHUP)
    until_s = time.monotonic() + ANSWER_S
    while time.monotonic() < until_s:
        now = last(data_dir)
        if now is not None and now != before:
            return now
        if not _runs(data_dir):
            break
        time.sleep(LOOK_S)
    raise StewardUnavailableError(f"The node on {data_dir} did not say how its reload went.")


def _over_limits(config: Path, data_dir: Path) -> list[str]:
    """Return what it means for the budgets of which more is spent than they have by now."""
    copy = in_force.current(data_dir)
    if copy is None:
        return []
    snapshot = in_force.read(config, copy, os.environ, ())
    with reading_if_any(data_dir) as connection:
        budgets = snapshot.budgets.values()
        found = standings(connection, budgets, time.time_ns(), snapshot.zone, runs=())
    return [f"{each.id}: {text}" for each in found if (text := over_text(each)) is not None]


def _supervisor(data_dir: Path) -> int:
    pid = read_pid(data_dir, "supervisor") if data_dir.is_dir() and _runs(data_dir) else None
    if pid is None:
        fail(f"No node runs on {data_dir}.", "Start one with: headgate serve")
    return pid


def _runs(data_dir: Path) -> bool:
    lock = locks.take(data_dir, "node")
    if lock is None:
        return True
    os.close(lock)
    return False


def _finishing(retiring: int) -> str:
    if not retiring:
        return ""
    workers = "worker finishes" if retiring == 1 else "workers finish"
    return f" {retiring} {workers} calls that began before."


def _view(outcome: Outcome, notes: list[str]) -> ReloadView:
    return ReloadView(
        ok=not outcome.problems,
        retiring=outcome.retiring,
        problems=[
            ProblemView(file=one.file, key=one.key, problem=one.problem, fix=one.fix)
            for one in outcome.problems
        ],
        notes=notes,
    )
