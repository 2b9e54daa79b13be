"""`headgate explain`: one call as a receipt, and why this model."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table

from headgate.cli.decisions import show_decision
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, fail, print_json, print_table, say, table
from headgate.cli.reading import reading
from headgate.cli.states import state_text
from headgate.insights.calls import open_call
from headgate.insights.contract import CallView, ExplainView, SessionView
from headgate.insights.contract_caches import CacheView
from headgate.insights.contract_holds import HoldView, SizingView
from headgate.insights.sessions import session_of_call
from headgate.insights.views import explain_view
from headgate.records.priority import PRIORITY_USUAL

app = typer.Typer()


@app.command()
def explain(
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="Id of the call, as its reply's headers name it.")
    ],
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show everything the books say of one call."""
    with reading(data_dir) as connection:
        # An attempt's id is its call's with a number behind it.
        opened = open_call(connection, call.partition(".")[0])
        session = None if opened is None else session_of_call(connection, opened)
    if opened is None:
        fail(f"There is no call {call}.", "Look it up: headgate calls", EXIT_NO)
    view = explain_view(opened, session)
    if as_json:
        print_json(view)
    else:
        _show(view)


def _show(view: ExplainView) -> None:
    first = view.attempts[0]
    say(f"Call {view.call}  {first.at}")
    say(f"  {first.principal} of {first.team}, key {first.key}, run {first.run or '-'}")
    if first.chain:
        say(f"  delegated: {' > '.join(first.chain)}")
    if first.tags:
        say(f"  tagged {', '.join(first.tags)}")
    if view.session is not None:
        say(f"  {session_text(view.session)}")
    say(f"  asked for {first.asked}")
    if first.refusal is not None:
        say("", f"Refused: {first.refusal.code}", f"  {first.refusal.message}")
    for decision in view.decisions:
        show_decision(decision, _users(view, decision.number))
    holds = {hold.attempt: hold for hold in view.holds}
    for attempt in view.attempts:
        if attempt.attempt is not None:
            _show_attempt(attempt, holds[attempt.attempt])
    for made in view.adjustments:
        say("", f"Corrected {made.at}: attempt {made.attempt} by {made.amount} USD")
        say(f"  {made.reason}, by {made.by}, from {made.source}")
    say("", f"Posted in all  {view.posted} USD")
    if view.adjustments:
        say(f"Adjusted since {view.adjusted} USD")


def session_text(session: SessionView) -> str:
    """Return what a session cost so far, in words."""
    where = ", ".join(f"{name} {count}" for name, count in session.deployments.items())
    return (
        f"session {session.name}: {session.attempts} attempts since {session.since} "
        f"({where}), {session.spend} USD"
    )


def _users(view: ExplainView, decision: int) -> dict[str, list[str]]:
    """Return the numbers of the attempts that used a decision, by the deployment each went to."""
    of_decision = {hold.attempt for hold in view.holds if hold.decision == decision}
    users: dict[str, list[str]] = {}
    for attempt in view.attempts:
        if attempt.attempt in of_decision and attempt.deployment is not None:
            number = attempt.attempt.rpartition(".")[2]
            users.setdefault(attempt.deployment, []).append(number)
    return users


def _show_attempt(attempt: CallView, hold: HoldView) -> None:
    served = attempt.served_model or "no model named"
    told = state_text(attempt.state, attempt.reason, posted=Decimal(attempt.posted) != 0)
    say("", f"Attempt {attempt.attempt}: {attempt.deployment} ({served}), {told}")
    say(f"  {', '.join(_facts(attempt))}")
    say(
        f"  held {attempt.hold} USD for at most {hold.input_tokens_max} tokens in and "
        f"{hold.output_tokens_max} out, on {', '.join(hold.windows) or 'no budget'}"
    )
    if hold.beside is not None:
        say(f"  a hedge, begun beside {hold.beside}, which was silent")
    _show_hold(attempt, hold)
    if attempt.via is not None:
        lost = f"; lost: {', '.join(attempt.lost)}" if attempt.lost else "; nothing lost"
        say(f"  translated from {attempt.dialect} to {attempt.via}{lost}")
    if attempt.lines:
        print_table(_receipt(attempt))
    else:
        say(f"  posted {attempt.posted} USD")
    if attempt.quarantined is not None:
        say(f"  its reply gave a usage that cannot be right: {attempt.quarantined}")
    if attempt.cache is not None:
        _show_cache(attempt.cache)


def _facts(attempt: CallView) -> list[str]:
    facts = [f"status {attempt.status or '-'}", f"{attempt.duration_ms:.1f} ms"]
    if attempt.waited_ms:
        facts.append(f"waited {attempt.waited_ms:.1f} ms for a place")
    if attempt.priority != PRIORITY_USUAL:
        facts.append(f"class {attempt.priority}")
    if attempt.ttft_ms is not None:
        facts.append(f"first byte after {attempt.ttft_ms:.1f} ms")
    if attempt.upstream_request_id is not None:
        facts.append(f"upstream request {attempt.upstream_request_id}")
    return facts


def sizing_text(sizing: SizingView) -> str:
    """Return how an expected hold was sized, in words."""
    times = "once" if sizing.extensions == 1 else f"{sizing.extensions} times"
    extended = f"extended {times}" if sizing.extensions else "never extended"
    return (
        f"expected: at first for {sizing.output_tokens} tokens out, as {sizing.percent}% of "
        f"{sizing.calls} calls before took no more; {extended}"
    )


def _show_hold(attempt: CallView, hold: HoldView) -> None:
    if hold.sizing is not None:
        say(f"  {sizing_text(hold.sizing)}")
    if attempt.would_refuse:
        say(f"  shadow limits that would have refused: {', '.join(attempt.would_refuse)}")


def _show_cache(cache: CacheView) -> None:
    if cache.given_from is not None:
        say(f"  nothing was sent: the kept reply of {cache.given_from} was given again")
        say(f"  saved {cache.saved} USD, which that call cost")
    elif Decimal(cache.saved):
        say(f"  saved {cache.saved} USD against no prompt cache")
    if cache.marked:
        say(f"  breakpoints were set behind {', '.join(cache.marked)}")
    if cache.cause is not None:
        where = "" if cache.path is None else f" at {cache.path}"
        say(
            f"  {cache.missed_tokens} cached tokens were not read ({cache.cause}{where}), "
            f"which cost {cache.missed} USD"
        )


def _receipt(attempt: CallView) -> Table:
    shown = table("  meter", ">quantity", ">USD per million", ">amount", "price row")
    for line in attempt.lines:
        shown.add_row(
            f"  {line.meter}",
            str(line.quantity),
            line.price_usd_per_million,
            line.amount,
            line.price_row,
        )
    shown.add_section()
    shown.add_row("  posted", "", "", attempt.posted, "")
    return shown
