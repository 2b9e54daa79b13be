"""`headgate prices restate`: past charges by the prices as they are known now, as corrections."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from headgate.cli.changing import whoami
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, print_json, print_table, say, table
from headgate.cli.pricing.impact import Since, Until, desk_module, stretch
from headgate.cli.reading import read_configuration, reading
from headgate.insights.contract_prices import RestatedView, RestateView
from headgate.node.adjusting import make_adjustments
from headgate.records.adjustment import Adjusted
from headgate.units.money import format_usd

SHOWN_MAX = 100


def restate(
    since: Since = None,
    until: Until = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make the corrections; without it they are only shown.")
    ] = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Rate what was measured again; what differs becomes a signed entry beside the charge.

    History is untouched. What a provider's own bill decided, or corrected, is left as it is.
    """
    snapshot = read_configuration(config)
    since_ns, until_ns = stretch(since, until, snapshot.zone)
    past = desk_module("headgate.economics.prices.load_past")
    restating = desk_module("headgate.economics.prices.restating")
    book = snapshot.price_book
    with reading(data_dir) as connection:
        found = list(past.charged_calls(connection, book, snapshot.deployments, since_ns, until_ns))
    posted = [_posted(restating, each) for each in found if each.is_certain and each.restated]
    differing, unpriced = restating.restatements(book, posted)
    done = None
    if apply:
        wanted = [each.adjustment() for each in differing]
        done = make_adjustments(data_dir, wanted, whoami())
    left = len(found) - len(posted) + unpriced
    if as_json:
        print_json(_view(differing, len(found), left, done))
    else:
        _show(differing, len(found), left, done)
    if done is not None and done.refused:
        raise typer.Exit(EXIT_NO)


def _posted(restating: Any, charged: Any) -> Any:
    past = charged.past
    return restating.Posted(
        charged.attempt,
        past.way,
        past.at_ns,
        past.usage,
        past.team,
        charged.net_nanos,
        charged.corrections,
        charged.rows,
    )


def _view(
    differing: Sequence[Any], looked_at: int, left: int, done: Adjusted | None
) -> RestateView:
    return RestateView(
        attempts=looked_at,
        left_as_they_are=left,
        difference=_sum(differing),
        entries=[
            RestatedView(
                attempt=each.attempt,
                model=each.model,
                team=each.team,
                posted=format_usd(each.net_nanos),
                restated=format_usd(each.rated_nanos),
                difference=format_usd(each.difference_nanos),
                was=list(each.was),
                rows=list(each.rows),
            )
            for each in differing
        ],
        made=None if done is None else done.made,
        refused=[] if done is None else [f"{each.id}: {each.message}" for each in done.refused],
    )


def _sum(differing: Iterable[Any]) -> str:
    return format_usd(sum(each.difference_nanos for each in differing))


def _show(differing: Sequence[Any], looked_at: int, left: int, done: Adjusted | None) -> None:
    if differing:
        shown = table("attempt", "model", "team", ">posted", ">restated", ">difference")
        for each in differing[:SHOWN_MAX]:
            amounts = (each.net_nanos, each.rated_nanos, each.difference_nanos)
            shown.add_row(each.attempt, each.model, each.team, *map(format_usd, amounts))
        print_table(shown)
    if len(differing) > SHOWN_MAX:
        say(f"and {len(differing) - SHOWN_MAX} more; --json has them")
    say(
        f"{looked_at} attempts, {len(differing)} differ by {_sum(differing)} USD in all, "
        f"{left} are left as they are"
    )
    if done is None:
        if differing:
            say("Nothing was changed. Make these corrections with --apply.")
        return
    say(f"made {done.made} corrections of {format_usd(done.amount_nanos)} USD")
    for refused in done.refused:
        say(f"not made: {refused.id}: {refused.message}", err=True)
