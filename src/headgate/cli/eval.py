"""`headgate eval`: measure models on a suite of your own tasks, within a budget."""

import hashlib
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress

from headgate.cli.approvals import Url, gateway_at, own_key
from headgate.cli.desk import AsJson, Html, Png, checked, show
from headgate.cli.evaluation.commands import commands_of
from headgate.cli.options import CONFIG_DEFAULT, Config
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail
from headgate.economics.suites.load_answers import Asker, RefusedError
from headgate.economics.suites.load_results import Result, Results
from headgate.economics.suites.load_rows import write_rows
from headgate.economics.suites.load_running import How, Item, Ran, items, run
from headgate.economics.suites.load_suite import load_suite
from headgate.economics.suites.report import Asked, suite_report
from headgate.economics.suites.sums import sums_of
from headgate.economics.suites.task import Suite
from headgate.insights.deciding import UnansweredError
from headgate.units.money import MoneyError, format_usd, parse_usd

app = typer.Typer()

CONCURRENCY_MAX = 64
REPEATS_MAX = 100
TROUBLES_TOLD = 10
MARGIN_DEFAULT = 5.0
Rows = Annotated[Path | None, typer.Option(help="Write Parquet for `headgate routing eval`.")]
BUDGET_FIX = 'Give a smaller --budget; it is carved from a budget on "run:*" with period = "once".'


class Wanted(NamedTuple):
    """How a suite is run.

    Attributes:
        file: The suite's.
        feedback: Whether results are told as votes.
    """

    file: Path
    repeats: int
    concurrency: int
    budget_nanos: int
    feedback: bool


@app.command("eval")
def evaluate(  # noqa: PLR0913 - an option is a parameter
    suite: Annotated[Path, typer.Option(metavar="FILE", help="Tasks: TOML, or JSONL.")],
    budget: Annotated[str, typer.Option(metavar="USD", help="All of it costs no more.")],
    models: Annotated[
        str | None, typer.Option(help="Names with commas between; default: the suite's.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Hold the others against it, not the best.")
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0, max=100, help="Points of success that may be lost.")
    ] = MARGIN_DEFAULT,
    repeats: Annotated[int, typer.Option(min=1, max=REPEATS_MAX, help="Each task so often.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=CONCURRENCY_MAX, help="At once.")] = 4,
    results: Annotated[
        Path | None, typer.Option(help="Where results are kept; default: beside the suite.")
    ] = None,
    rows: Rows = None,
    feedback: Annotated[
        bool, typer.Option("--feedback/--no-feedback", help="Tell results as routing evidence.")
    ] = True,
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Have models do the tasks of a suite, and say which may take another's place.

    Calls go through the gateway with HEADGATE_KEY, as a run with a budget of its own. A run that
    was stopped goes on where it was. Commands of a suite run on this machine, as you.
    """
    asked = Wanted(suite, repeats, concurrency, _budget(budget), feedback)
    with checked():
        wanted = load_suite(suite)
        names = _models(wanted, models, baseline)
        asker = Asker(gateway_at(url, config), own_key(), "")
        path = results or suite.with_suffix(".results.jsonl")
        with closing(Results(path, f"{time.time_ns():x}")) as kept:
            todo = items(wanted, names, repeats)
            ran = _measure(asked, wanted, todo, kept, asker)
        found = [kept.found[item.key] for item in todo if item.key in kept.found]
        if rows is not None:
            write_rows(rows, wanted, names, found)
    told = Asked(
        name=wanted.name,
        tasks=len(wanted.tasks),
        repeats=repeats,
        models=names,
        baseline=baseline,
        margin=margin / 100,
        budget_nanos=asked.budget_nanos,
        judged=any(task.is_judged for task in wanted.tasks),
        content=hashlib.sha256(suite.read_bytes() + path.read_bytes()).hexdigest(),
        notes=[*_notes(ran, asked, len(todo) - len(found)), *_troubles(found)],
    )
    show(suite_report(told, sums_of(found, names)), html, png=png, as_json=as_json)
    if len(found) < len(todo):
        raise typer.Exit(EXIT_NO)


def _models(suite: Suite, models: str | None, baseline: str | None) -> list[str]:
    """Return the candidates; ends the command when there is nothing to compare."""
    told = suite.models if models is None else [name.strip() for name in models.split(",")]
    names = list(dict.fromkeys(name for name in told if name))
    if not names:
        fail("There are no models.", "Give --models a,b, or write models = [...] into the suite.")
    if baseline is not None and baseline not in names:
        fail(f"The baseline {baseline!r} is no candidate.", f"They are {', '.join(names)}.")
    if suite.judge is None and any(task.is_judged for task in suite.tasks):
        fail("A task has a rubric, and there is no judge.", 'Write judge = "MODEL" into the suite.')
    return names


def _budget(text: str) -> int:
    try:
        return parse_usd(text)
    except MoneyError as error:
        fail(f"--budget: {error}.", "Write dollars, such as --budget 2.50.")


def _run_name(kept: Results, todo: Sequence[Item], budget_nanos: int) -> str:
    """Return the run that pays: the same when the same is asked for again."""
    said = "\n".join((kept.id, str(budget_nanos), *("/".join(map(str, one.key)) for one in todo)))
    return f"eval-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _measure(asked: Wanted, suite: Suite, todo: list[Item], kept: Results, unpaid: Asker) -> Ran:
    """Do what is missing, within what is left of the budget; tells how far it is."""
    missing = [item for item in todo if item.key not in kept.found]
    if not missing:
        return Ran()
    asker = unpaid._replace(run=_run_name(kept, todo, asked.budget_nanos))
    folder = asked.file.resolve().parent
    console = Console(stderr=True)
    try:
        before = [name for name in kept.runs if name != asker.run]
        for name in kept.runs:
            # Commands that were running when all was killed: what is left of their budgets.
            asker.end_below(name)
        elsewhere = sum(asker.spent_nanos(name) for name in before)
        if elsewhere >= asked.budget_nanos:
            return Ran(spent=True)
        asker.open_run(asked.budget_nanos - elsewhere)
        kept.pay(asker.run)
        with (
            commands_of(suite, folder, asker) as commands,
            Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        ):
            how = How(kept.id, suite, asker, folder, asked.feedback, asked.concurrency, commands)
            task = progress.add_task("Measuring", total=len(missing))
            ran = run(missing, kept, how, lambda: progress.advance(task))
        if not ran.spent and not ran.failed:
            asker.close_run()
    except RefusedError as error:
        fail(f"The gateway says no: {error}", BUDGET_FIX, EXIT_NO)
    except UnansweredError as error:
        _unanswered(error)
    return ran


def _unanswered(error: UnansweredError) -> NoReturn:
    fail(f"{error}.", "Start it with: headgate serve; or name it with --url.", EXIT_UNREACHABLE)


def _troubles(found: Sequence[Result]) -> list[str]:
    """Say how the first few commands ended that did not end well."""
    told = [f"{each.task} by {each.model} {each.trouble}" for each in found if each.trouble]
    more = len(told) - TROUBLES_TOLD
    return [f"{each}." for each in told[:TROUBLES_TOLD]] + (
        [f"{more} other commands did not end well either."] if more > 0 else []
    )


def _notes(ran: Ran, asked: Wanted, missing: int) -> list[str]:
    notes = []
    if ran.spent:
        notes.append(
            f"The budget of {format_usd(asked.budget_nanos)} USD does not cover more: {missing} "
            "answers are missing. Run it again with a larger one."
        )
    if ran.failed:
        told = "; ".join(ran.problems).removesuffix(".")
        notes.append(f"{ran.failed} calls had no answer, and will be made again: {told}.")
    if asked.feedback and ran.unvoted:
        notes.append(f"{ran.unvoted} results were not taken as feedback.")
    return notes
