"""`headgate outcomes`: what results cost, from the outcomes that were told."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from headgate.cli.approvals import Url, gateway_at, own_key
from headgate.cli.desk import checked
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_UNREACHABLE, fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.cli.report import instant
from headgate.economics.roi.load_git import load_commits
from headgate.economics.roi.merges import Ending, endings
from headgate.gateway.listener.own import Place
from headgate.insights.contract_control import OutcomesToldView, ResultsView
from headgate.insights.deciding import UnansweredError, post_for
from headgate.insights.outcomes import Results, Side, results
from headgate.units.money import format_usd

app = typer.Typer(invoke_without_command=True, help="Show what results cost, or tell results.")

TOLD_SHOWN = 3
"""So many reasons of the gateway's are shown."""


@app.callback()
def outcomes(
    ctx: typer.Context,
    by: Annotated[Side, typer.Option(help="What to group by.")] = "task",
    since: Annotated[
        str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what results cost: clients tell outcomes by `POST /v1/outcomes`."""
    if ctx.invoked_subcommand is not None:
        return
    since_ns = None if since is None else instant(since, read_configuration(config).zone)
    with reading_if_any(data_dir) as connection:
        found = results(connection, by, since_ns)
    if as_json:
        print_json([_view(sums) for sums in found])
    elif not found:
        say("No outcome was told yet: POST /v1/outcomes says how a call or run ended.")
    else:
        _show(found, by)


@app.command("import")
def tell_from_git(  # noqa: PLR0913 - a command has as many parameters as it has options
    git: Annotated[Path, typer.Option(metavar="REPOSITORY", help="The folder of a repository.")],
    branch: Annotated[str, typer.Option(help="What is in it succeeded.")] = "HEAD",
    since: Annotated[str | None, typer.Option(help="A date, as git takes it.")] = None,
    by_branch: Annotated[
        bool, typer.Option("--by-branch", help="Merged branches are named like their runs.")
    ] = False,
    task: Annotated[str, typer.Option(help="What kind of work it was.")] = "merge",
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Tell the gateway which calls and runs of HEADGATE_KEY's were merged, and which reverted."""
    with checked():
        commits = load_commits(git, branch, since)
    found = endings(commits, by_branch=by_branch)
    place, key = (gateway_at(url, config), own_key()) if found else (Place(""), "")
    told: list[Ending] = []
    refused: list[str] = []
    console = Console(stderr=True)
    for one in track(found, "Telling", console=console, disable=not console.is_terminal):
        body = {one.kind: one.subject, "success": one.success, "task": task, "note": one.note}
        try:
            why, _ = post_for(place, key, "/v1/outcomes", body)
        except UnansweredError as error:
            fail(
                f"{error}.", "Name the gateway with --url; all may be told again.", EXIT_UNREACHABLE
            )
        told += [one] if why is None else []
        refused += [] if why is None else [why]
    view = OutcomesToldView(
        commits=len(commits),
        told=len(told),
        reverted=sum(not one.success for one in told),
        refused=refused,
    )
    _show_told(view, as_json=as_json)


def _show_told(view: OutcomesToldView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    say(
        f"Commits: {view.commits}; outcomes told: {view.told}, of which reverted: {view.reverted}; "
        f"refused: {len(view.refused)}."
    )
    for why in view.refused[:TOLD_SHOWN]:
        say(f"  Refused: {why}")
    if (more := len(view.refused) - TOLD_SHOWN) > 0:
        say(f"  and {more} more")
    if not view.told and not view.refused:
        say("  Commits name their run in a line of its own: Headgate-Run: NAME")


def _show(found: list[Results], by: Side) -> None:
    columns = (
        ">outcomes",
        ">successes",
        ">came back",
        ">spend",
        ">per success",
        ">human hours",
        ">value",
    )
    shown = table(by, *columns)
    for sums in found:
        each = sums.per_success_nanos
        shown.add_row(
            sums.name or "-",
            str(sums.outcomes),
            str(sums.successes),
            str(sums.reopened),
            format_usd(sums.spend_nanos),
            "-" if each is None else format_usd(each),
            _hours(sums.human_seconds),
            format_usd(sums.value_nanos),
        )
    print_table(shown)


def _hours(seconds: int) -> str:
    tenths = -(-seconds // 360)
    return f"{tenths // 10}.{tenths % 10}"


def _view(sums: Results) -> ResultsView:
    each = sums.per_success_nanos
    return ResultsView(
        name=sums.name,
        outcomes=sums.outcomes,
        successes=sums.successes,
        reopened=sums.reopened,
        spend=format_usd(sums.spend_nanos),
        spend_per_success=None if each is None else format_usd(each),
        human_seconds=sums.human_seconds,
        value=format_usd(sums.value_nanos),
    )
