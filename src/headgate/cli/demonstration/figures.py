"""What the live picture shows, read from the store beside the running node."""

import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from headgate.budgets.standing import Standing, standings
from headgate.cli.reading import reading
from headgate.config.snapshot import Snapshot
from headgate.insights.calls import AttemptRow, CallRow, RefusedRow
from headgate.insights.report import report
from headgate.insights.search import Wanted, list_calls
from headgate.insights.totals import Totals
from headgate.units.usage import INPUT_METERS

RECENT_ROWS = 300
STEPS_SHOWN = 12
PROBE = "probe"
"""It calls all the time with the same words; that is not worth a line."""


class Session(NamedTuple):
    """An agent's run as far as its steps are among the recent calls, the oldest first."""

    principal: str
    run: str
    steps: tuple[AttemptRow, ...]


class Figures(NamedTuple):
    """One look at the node.

    Attributes:
        totals: Over all calls since the demonstration began.
        budgets: Without those of runs.
        sessions: The newest of each agent.
        recent: The newest calls first, without the probe's.
        cached_percent: Share of the recent calls' prompt tokens that came from a cache.
        refused: The newest call that was refused for money, None before the first.
        refusing: Budgets that refused one of the recent calls.
    """

    totals: Totals
    budgets: tuple[Standing, ...]
    sessions: tuple[Session, ...]
    recent: tuple[CallRow, ...]
    cached_percent: int
    refused: RefusedRow | None
    refusing: frozenset[str]


def read_figures(data_dir: Path, snapshot: Snapshot, since_ns: int) -> Figures:
    """Look at the store.

    Raises:
        StoreError: It cannot be read.
    """
    with reading(data_dir) as connection:
        recent = tuple(list_calls(connection, Wanted(), RECENT_ROWS))
        for_money = [row for row in recent if isinstance(row, RefusedRow) and row.refused.budget]
        return Figures(
            totals=report(connection, "principal", since_ns, snapshot.zone).total,
            budgets=_budgets(connection, snapshot),
            sessions=_sessions(recent),
            recent=tuple(row for row in recent if row.principal != PROBE),
            cached_percent=_cached_percent(recent),
            refused=for_money[0] if for_money else None,
            refusing=frozenset(row.refused.budget for row in for_money if row.refused.budget),
        )


def prompt_tokens(row: AttemptRow) -> int:
    """Return all tokens of an attempt's prompt."""
    return sum(row.usage.get(meter, 0) for meter in INPUT_METERS)


def cached_tokens(row: AttemptRow) -> int:
    """Return the tokens of its prompt that came from the provider's cache."""
    return row.usage.get("cache_read", 0)


def nanos_per_million(row: AttemptRow) -> int:
    """Return what a million tokens, of prompt and answer together, would cost at its price."""
    tokens = sum(row.usage.values())
    return row.posted_nanos * 1_000_000 // tokens if tokens else 0


def _budgets(connection: Connection, snapshot: Snapshot) -> tuple[Standing, ...]:
    found = standings(connection, snapshot.budgets.values(), time.time_ns(), snapshot.zone, runs=())
    return tuple(standing for standing in found if not standing.is_each)


def _sessions(recent: tuple[CallRow, ...]) -> tuple[Session, ...]:
    steps: dict[tuple[str, str], list[AttemptRow]] = {}
    for row in recent:
        if isinstance(row, AttemptRow) and row.run is not None and row.state == "measured":
            steps.setdefault((row.principal, row.run), []).append(row)
    newest: dict[str, Session] = {}
    for (principal, run), rows in steps.items():
        newest.setdefault(principal, Session(principal, run, tuple(reversed(rows[:STEPS_SHOWN]))))
    return tuple(newest[principal] for principal in sorted(newest))


def _cached_percent(recent: tuple[CallRow, ...]) -> int:
    attempts = [row for row in recent if isinstance(row, AttemptRow)]
    prompts = sum(prompt_tokens(row) for row in attempts)
    return 100 * sum(cached_tokens(row) for row in attempts) // prompts if prompts else 0
