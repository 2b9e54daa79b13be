"""`headgate feedback`: say how good an answer was, or which of two was the better one."""

from typing import Annotated, Literal

import msgspec
import typer

from headgate.cli.approvals import Url, gateway_at, own_key
from headgate.cli.options import CONFIG_DEFAULT, AsJson, Config
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, say
from headgate.insights.contract_learning import VoteView
from headgate.insights.deciding import UnansweredError, post_for
from headgate.routing.learning.votes import Source

app = typer.Typer()

Kind = Literal["call", "run", "session"]


@app.command()
def feedback(  # noqa: PLR0913 - an option is a parameter
    subject: Annotated[str, typer.Argument(metavar="CALL", help="A call; see --kind.")],
    verdict: Annotated[
        str | None, typer.Argument(metavar="VERDICT", help="good, bad, or a number within 0 and 1.")
    ] = None,
    over: Annotated[
        str | None, typer.Option(metavar="CALL", help="Prefer it over this one; no verdict then.")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What is judged.")] = "call",
    source: Annotated[Source, typer.Option(help="Who says so.")] = "user",
    label: Annotated[str | None, typer.Option(help="What kind of work, or what was wrong.")] = None,
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say how good an answer was, as the principal of HEADGATE_KEY; routing learns from it."""
    if (over is None) == (verdict is None):
        fail("Say how good it was, or over which call it is preferred.", "See --help.")
    body: dict[str, object] = {"preferred": subject, "over": over}
    if verdict is not None:
        body = {kind: subject, "source": source, **_said(verdict)}
        if label is not None:
            body["label"] = label
    place = gateway_at(url, config)
    try:
        refused, text = post_for(place, own_key(), "/v1/feedback", body)
    except UnansweredError as error:
        fail(f"{error}.", "Name the gateway with --url.", EXIT_UNREACHABLE)
    if refused is not None:
        fail(refused, "Calls of one's own can be voted on: headgate calls", EXIT_NO)
    _show(text, as_json=as_json)


def _said(verdict: str) -> dict[str, object]:
    if verdict in ("good", "bad"):
        return {"verdict": verdict}
    try:
        score = float(verdict)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        fail(f"{verdict!r} is no verdict.", "Say good, bad, or a number within 0 and 1.")
    return {"score": score}


def _show(text: bytes, *, as_json: bool) -> None:
    told = msgspec.json.decode(text)
    view = VoteView(
        kept=told["kept"],
        model=told["model"],
        deployment=told["deployment"],
        source=told.get("source"),
        score=told.get("score"),
    )
    if as_json:
        print_json(view)
    elif view.kept == "same":
        say("That was said before; it counts once.")
    else:
        changed = " in place of what was said before" if view.kept == "changed" else ""
        say(f"Taken{changed}: {view.model} at {view.deployment}.")
