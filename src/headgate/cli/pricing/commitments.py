"""`headgate prices commitments`: what is drawn, left and owed of what was promised to providers."""

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from headgate.catalog.commitments import Capacity, Commitment, Standing, periods_of, shares
from headgate.catalog.fields import short_instant
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, say, table
from headgate.cli.pricing.asked import instant
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.config.snapshot import Snapshot
from headgate.economics.prices.load_agreed import drawn_nanos, tokens_by_team
from headgate.insights.contract_prices import (
    CapacityView,
    CommitmentsView,
    CommitmentView,
    ShareView,
)
from headgate.units.instants import from_datetime, to_datetime, to_iso
from headgate.units.money import format_usd

Held = tuple[Capacity, int, dict[str, int], dict[str, int]]
"""A capacity, what it cost this month, tokens by team, and each team's part of the cost."""


def commitments(
    at: Annotated[
        str | None, typer.Option(help="A date, or a date-time with offset; default: now.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show each period of each commitment, and the month's cost of capacity by team."""
    snapshot, at_ns = read_configuration(config), instant(at)
    month_ns = _month(snapshot, at_ns)
    agreed = snapshot.agreements
    with reading_if_any(data_dir) as connection:
        standings = [
            (commitment, standing)
            for commitment in agreed.commitments.values()
            for standing in _standings(connection, snapshot, commitment, at_ns)
        ]
        held = [
            _held(connection, capacity, month_ns, at_ns) for capacity in agreed.capacities.values()
        ]
    if as_json:
        print_json(_view(standings, held))
    else:
        _show(standings, held)


def _month(snapshot: Snapshot, at_ns: int) -> int:
    """Return when the month began, in the organisation's zone."""
    moment: datetime = to_datetime(at_ns).astimezone(snapshot.zone)
    return from_datetime(moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def _standings(
    connection: Connection, snapshot: Snapshot, commitment: Commitment, at_ns: int
) -> list[Standing]:
    """Return how the periods stand that have begun."""
    deployments = [
        each.id for each in snapshot.deployments.values() if each.provider == commitment.provider
    ]
    return [
        Standing(
            start_ns,
            end_ns,
            commitment.amount_nanos,
            drawn_nanos(connection, deployments, start_ns, min(end_ns, at_ns)),
            ended=at_ns >= end_ns,
        )
        for start_ns, end_ns in periods_of(commitment)
        if start_ns <= at_ns
    ]


def _held(connection: Connection, capacity: Capacity, start_ns: int, end_ns: int) -> Held:
    cost = capacity.cost_nanos(start_ns, end_ns)
    tokens = tokens_by_team(connection, capacity, start_ns, end_ns)
    return capacity, cost, tokens, shares(cost, tokens)


def _view(standings: list[tuple[Commitment, Standing]], held: list[Held]) -> CommitmentsView:
    return CommitmentsView(
        commitments=[
            CommitmentView(
                id=commitment.id,
                provider=commitment.provider,
                start=to_iso(each.start_ns),
                end=to_iso(each.end_ns),
                amount=format_usd(each.amount_nanos),
                drawn=format_usd(each.drawn_nanos),
                left=format_usd(each.left_nanos),
                shortfall=format_usd(each.shortfall_nanos),
                beyond=format_usd(each.beyond_nanos),
            )
            for commitment, each in standings
        ],
        capacities=[
            CapacityView(
                id=capacity.id,
                cost=format_usd(cost),
                teams=[
                    ShareView(team=team, tokens=tokens[team], cost=format_usd(part))
                    for team, part in sorted(parts.items())
                ],
            )
            for capacity, cost, tokens, parts in held
        ],
    )


def _show(standings: list[tuple[Commitment, Standing]], held: list[Held]) -> None:
    if not standings and not held:
        say("No commitment has begun, and there is no capacity in the configuration.")
    if standings:
        names = (">promised", ">drawn", ">left", ">shortfall", ">beyond")
        shown = table("commitment", "from", "until", *names)
        for commitment, each in standings:
            days = (short_instant(each.start_ns), short_instant(each.end_ns))
            amounts = (each.amount_nanos, each.drawn_nanos, each.left_nanos)
            owed = (each.shortfall_nanos, each.beyond_nanos)
            shown.add_row(commitment.id, *days, *map(format_usd, (*amounts, *owed)))
        print_table(shown)
    if held:
        shown = table("capacity", "team", ">tokens this month", ">cost")
        for capacity, cost, tokens, parts in held:
            if not parts:
                shown.add_row(capacity.id, "nobody", "0", format_usd(cost))
            for team, part in sorted(parts.items()):
                shown.add_row(capacity.id, team, str(tokens[team]), format_usd(part))
        print_table(shown)
