"""`headgate runs`: see runs and what they spend; stop, thaw and approve them."""

import importlib
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from headgate.budgets.runs import find_run, read_runs, tree_of
from headgate.cli.changing import whoami
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, print_table, say, table
from headgate.cli.reading import reading_if_any
from headgate.insights.contract_runs import RunView
from headgate.insights.runs import run_views
from headgate.node.client import exchange
from headgate.node.messages import AnswerControl, AskControl
from headgate.records.control import ControlRequest
from headgate.units.errors import StewardUnavailableError

app = typer.Typer(no_args_is_help=True, help="See runs and what they spend; stop or approve them.")

RUNS_SHOWN = 50
ENGINE_NAME = "workflows.db"

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="PRINCIPAL/RUN, as `headgate runs list` names it.")
]
Reason = Annotated[str, typer.Option(help="Why; kept with it.")]


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = RUNS_SHOWN,
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the runs that were told of, newest first."""
    with reading_if_any(data_dir) as connection:
        views = run_views(connection, read_runs(connection, limit=limit))
    if as_json:
        print_json(views)
    elif not views:
        say("Nobody told of a run yet: POST /v1/runs, or headgate.workflows, does.")
        say("What calls of runs that they only name have cost: headgate report --by run")
    else:
        _show(views, top=None)


@app.command()
def show(
    run: RunName,
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show a run and all below it, with what each has spent."""
    principal, name = _named(run)
    with reading_if_any(data_dir) as connection:
        found = find_run(connection, principal, name)
        views = [] if found is None else run_views(connection, tree_of(connection, found))
    if not views:
        _missing(run)
    if as_json:
        print_json(views)
    else:
        _show(views, views[0].depth)


@app.command()
def freeze(
    run: RunName,
    reason: Reason = "",
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Stop a run and all below it: calls are refused, streams cut, until it is thawed."""
    _stop(data_dir, run, "frozen", reason)
    say(f"Frozen: {run}. Undo with: headgate runs thaw {run}")


@app.command()
def thaw(
    run: RunName, _config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT
) -> None:
    """Let a frozen run and all below it go on."""
    _stop(data_dir, run, "thawed", "")
    say(f"Thawed: {run}.")


@app.command()
def cancel(
    run: RunName,
    reason: Reason = "",
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """End a run and all below it for good; what is left of their budgets flows back."""
    _stop(data_dir, run, "cancelled", reason)
    say(f"Cancelled: {run}.")


@app.command()
def approve(
    run: RunName,
    topic: Annotated[str, typer.Option(help="What the run waits for.")] = "approval",
    word: Annotated[str, typer.Option("--say", help="What it is told.")] = "approved",
    engine: Annotated[
        str | None,
        typer.Option(
            envvar="HEADGATE_ENGINE",
            help="The database of the workflows. Default: workflows.db in the data directory.",
        ),
    ] = None,
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Tell a run that waits for a person to go on."""
    _, name = _named(run)
    try:
        # DBOS is an extra, and takes a second to import: for this command alone.
        dbos_engine = importlib.import_module("headgate.workflows.dbos_engine")
    except ModuleNotFoundError:
        fail("Workflows need dbos, which is missing.", "Install headgate[workflows].")
    _stop(data_dir, run, "approved", word)
    url = engine or f"sqlite:///{data_dir.absolute() / ENGINE_NAME}"
    dbos_engine.send_signal(url, name, topic, word)
    say(f"Told {run}: {word}.")


def _named(run: str) -> tuple[str, str]:
    principal, _, name = run.partition("/")
    if not name:
        fail(f"{run!r} names no run.", "Write PRINCIPAL/RUN, such as alice/r1.")
    return principal, name


def _missing(run: str) -> NoReturn:
    fail(f"Nobody told of a run {run!r}.", "See: headgate runs list", EXIT_NO)


def _stop(data_dir: Path, run: str, action: str, reason: str) -> None:
    """Have the steward do something to a run, written into the audit chain."""
    principal, name = _named(run)
    with reading_if_any(data_dir) as connection:
        if find_run(connection, principal, name) is None:
            _missing(run)
    body = msgspec.json.encode({"action": action, "reason": reason}).decode()
    request = ControlRequest("STOP", "runs", name, principal, "", whoami(), body=body)
    try:
        answer: Any = exchange(data_dir, AskControl(0, request))
    except StewardUnavailableError:
        fail("No node runs here.", "Start it: headgate serve", EXIT_UNREACHABLE)
    assert isinstance(answer, AnswerControl), answer
    if answer.reply.code is not None:
        fail(answer.reply.body, "See: headgate runs list", EXIT_NO)


def _show(views: list[RunView], top: int | None) -> None:
    """Show runs; those of a tree are set in below its `top` generation."""
    shown = table("run", "agent", "state", ">budget", ">spend", ">held", ">calls", "since")
    for view in views:
        state = f"{view.state}, frozen" if view.frozen else view.state
        indent = "" if top is None else "  " * (view.depth - top)
        shown.add_row(
            f"{indent}{view.principal}/{view.run}",
            view.agent,
            state,
            view.budget or "-",
            view.spend,
            view.held,
            str(view.calls),
            view.created,
        )
    print_table(shown)
