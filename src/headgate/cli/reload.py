"""`headgate reload`: have the running node take up the changed configuration, calls and all."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import typer

from headgate.budgets.standing import Standing, standings
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_CONFIGURATION, complain, fail, print_json, say
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.config.snapshot import Snapshot
from headgate.config.unpriced import unpriced
from headgate.insights.contract import ProblemView, ReloadView
from headgate.node import locks
from headgate.node.outcome import Outcome, last
from headgate.node.paths import read_pid
from headgate.units.errors import Problem, StewardUnavailableError
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

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
    taken = None if outcome.problems else read_configuration(config)
    overspent = [] if taken is None else _overspent(taken, data_dir)
    warnings = () if taken is None else unpriced(taken, time.time_ns())
    if as_json:
        print_json(_view(outcome, overspent, warnings))
    elif not outcome.problems:
        say(f"The configuration is in force.{_finishing(outcome.retiring)}")
    for each in () if as_json else overspent:
        say(_refuses(each), err=True)
    for warning in () if as_json else warnings:
        say(f"Warning: {warning.key}: {warning.problem} {warning.fix}", err=True)
    for problem in () if as_json else outcome.problems:
        complain(f"{problem.file}: {problem.key}: {problem.problem}", problem.fix)
    if outcome.problems:
        if not as_json:
            say("Nothing has changed: the configuration before it stays in force.", err=True)
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


def _overspent(snapshot: Snapshot, data_dir: Path) -> list[Standing]:
    """Return the budgets whose limit is below what is spent: one may have been lowered so far."""
    with reading_if_any(data_dir) as connection:
        budgets, now_ns = snapshot.budgets.values(), time.time_ns()
        found = standings(connection, budgets, now_ns, snapshot.zone, runs=())
    return [each for each in found if each.mode == "hard" and each.posted_nanos > each.limit_nanos]


def _refuses(each: Standing) -> str:
    until = "its limit is raised" if each.renews_ns is None else to_iso(each.renews_ns)
    return (
        f"Budget {each.id!r} has ${format_usd(each.posted_nanos)} spent, above its limit of"
        f" ${format_usd(each.limit_nanos)}: calls are refused until {until}; those that run go on."
    )


def _view(outcome: Outcome, overspent: list[Standing], warnings: tuple[Problem, ...]) -> ReloadView:
    return ReloadView(
        ok=not outcome.problems,
        retiring=outcome.retiring,
        overspent=[each.id for each in overspent],
        problems=_views(outcome.problems),
        warnings=_views(warnings),
    )


def _views(problems: Iterable[Problem]) -> list[ProblemView]:
    return [
        ProblemView(file=one.file, key=one.key, problem=one.problem, fix=one.fix)
        for one in problems
    ]
