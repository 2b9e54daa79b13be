"""`headgate approvals`: see what people are asked, and decide."""

import os
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.gateway.listener.own import Place, place_named, place_of
from headgate.governance.keeper import find, listed
from headgate.insights.approvals import approval_view
from headgate.insights.contract_control import ApprovalView
from headgate.insights.deciding import Said, UnansweredError, decide
from headgate.records.approval import Status

app = typer.Typer(no_args_is_help=True, help="See what people are asked, and decide.")

WAITING: tuple[Status, ...] = ("pending",)
KEY_VARIABLE = "HEADGATE_KEY"

ApprovalId = Annotated[str, typer.Argument(metavar="ID", help="The request, `apr_...`.")]
Reason = Annotated[str, typer.Option(help="Why; kept, and told to whoever waits.")]
Digest = Annotated[
    str | None, typer.Option(help="The digest that you were shown. Default: that of `show`.")
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="HEADGATE_URL",
        help="The gateway.",
        show_default="that of the configuration",
    ),
]


@app.command("list")
def list_approvals(
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    config: Config = CONFIG_DEFAULT,  # noqa: ARG001 - says where the data directory is
    as_json: AsJson = False,
) -> None:
    """List requests that wait for a decision, the newest first."""
    with reading_if_any(data_dir) as connection:
        found = listed(connection) if every else listed(connection, WAITING)
    views = [approval_view(each) for each in found]
    if as_json:
        print_json(views)
    elif not views:
        say("Nobody is asked anything.")
    else:
        shown = table("approval", "status", "who", "what", ">up to", "data", "rule", "until")
        for view in views:
            amount = view.by or view.quote or "unknown"
            cells = [view.id, view.status, _who(view), _what(view), amount, view.data_class or "-"]
            shown.add_row(*cells, view.rule, view.expires_at)
        print_table(shown)


@app.command()
def show(
    approval: ApprovalId,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    config: Config = CONFIG_DEFAULT,  # noqa: ARG001 - says where the data directory is
    as_json: AsJson = False,
) -> None:
    """Show all that a decision would bind."""
    view = _view(approval, data_dir)
    if as_json:
        print_json(view)
    else:
        _show(view)


@app.command()
def approve(
    approval: ApprovalId,
    digest: Digest = None,
    reason: Reason = "",
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Approve a request, as the principal of HEADGATE_KEY."""
    shown = digest or _view(approval, data_dir).digest
    said = Said(approval, "approve", shown, reason)
    _decide(said, gateway_at(url, config))
    say(f"Approved {approval}.")


@app.command()
def deny(
    approval: ApprovalId,
    digest: Digest = None,
    reason: Reason = "",
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Deny a request, as the principal of HEADGATE_KEY."""
    shown = digest or _view(approval, data_dir).digest
    said = Said(approval, "deny", shown, reason)
    _decide(said, gateway_at(url, config))
    say(f"Denied {approval}.")


def _view(approval: str, data_dir: DataDir) -> ApprovalView:
    with reading_if_any(data_dir) as connection:
        found = find(connection, approval)
    if found is None:
        fail(f"There is no request {approval!r}.", "headgate approvals list --all", EXIT_NO)
    return approval_view(found)


def _what(view: ApprovalView) -> str:
    return f"raise {view.budget}" if view.budget else view.model or ""


def _who(view: ApprovalView) -> str:
    return "/".join([view.principal, *(each.partition("~")[0] for each in view.chain)])


def _show(view: ApprovalView) -> None:
    shown = table("", "")
    rows: list[tuple[str, str | None]] = [
        ("approval", view.id),
        ("status", view.status),
        ("rule", view.rule),
        ("asked at", view.at),
        ("open until", view.expires_at),
        ("who", f"{_who(view)} (team {view.team}, key {view.key})"),
        *(_of_raise(view) if view.kind == "raise" else _of_call(view)),
        ("digest", view.digest),
        ("decided by", view.decided_by),
        ("reason", view.reason),
        ("used by", view.used_by),
    ]
    for name, value in rows:
        if value:
            shown.add_row(name, value)
    print_table(shown)


def _of_call(view: ApprovalView) -> list[tuple[str, str | None]]:
    limit = view.output_tokens_max
    return [
        ("run", view.run),
        ("model", view.model),
        ("up to", "unknown: no price" if view.quote is None else f"${view.quote}"),
        ("data class", view.data_class),
        ("output tokens", None if limit is None else str(limit)),
        ("tools", ", ".join(view.tools)),
        ("body", f"{view.body_bytes} bytes, SHA-256 {view.body_sha256}"),
        ("prompt", view.prompt),
    ]


def _of_raise(view: ApprovalView) -> list[tuple[str, str | None]]:
    return [
        ("budget", view.budget),
        ("raise by", f"${view.by}"),
        ("until", view.until),
        ("why", view.why),
    ]


def own_key() -> str:
    """Return the key of whoever types; ends the command when there is none."""
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        fail("Nobody knows who you are.", f"Set {KEY_VARIABLE} to your own key.")
    return key


def gateway_at(url: str | None, config: Path) -> Place:
    """Return the gateway that is named, or where the configuration says that it listens."""
    return place_named(url, os.environ) if url else place_of(read_configuration(config).edge)


def _decide(said: Said, place: Place) -> None:
    try:
        refused = decide(place, own_key(), said)
    except UnansweredError as error:
        fail(f"{error}.", "Name the gateway with --url.", EXIT_UNREACHABLE)
    if refused is not None:
        fail(refused, f"Look at it: headgate approvals show {said.approval}", EXIT_NO)
