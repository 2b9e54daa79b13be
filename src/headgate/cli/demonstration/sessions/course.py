"""Its course: one scene after another on a running node, then the books."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import anthropic

from headgate.cli.demonstration.bill import Entry, compare, exact_usd, fetch_bill
from headgate.cli.demonstration.child import DemonstrationError
from headgate.cli.demonstration.sessions.accounts import accounts
from headgate.cli.demonstration.sessions.coding import coding, drop, learn
from headgate.cli.demonstration.sessions.residence import residence
from headgate.cli.demonstration.sessions.result import Promise, SessionsResult, Switch
from headgate.cli.demonstration.sessions.stage import Stage, staged
from headgate.cli.reading import reading, reading_engine
from headgate.insights.books import check_books
from headgate.insights.calls import AttemptRow
from headgate.insights.search import Wanted, list_calls
from headgate.node.paths import journal_root
from headgate.units.money import format_usd

SCENES = 7
ROWS_MAX = 100_000
MOVES = frozenset({"up", "down", "over"})
"""Reasons that are a gain; the others say that somebody could not be asked."""


class _Books(NamedTuple):
    """What the node has written down, beside the bills."""

    calls: int
    spend_nanos: int
    billed_usd: str
    held_nanos: int
    equal: bool
    differences: int


def demonstrate(data_dir: Path, seed: int, begin: Callable[[str], None]) -> SessionsResult:
    """Play all scenes, stop everything, and check the books.

    Args:
        data_dir: Where the node keeps its own.
        seed: What all tasks follow from.
        begin: Told what each of the `SCENES` is before it begins.

    Raises:
        DemonstrationError: Something did not start, a call was not answered that had to be, or it
            does not come into the books.
        StoreError: The store cannot be read.
    """
    began_s = time.monotonic()
    begin("Starting providers and a node")
    with staged(data_dir, seed) as stage:
        try:
            promises, moved = _play(stage, begin)
        except anthropic.APIError as error:
            raise DemonstrationError(f"A call was not answered that had to be: {error}") from error
        begin("Checking the books")
        books = _books(stage)
    promises += [_explained(moved), _balanced(books)]
    return SessionsResult(
        seconds=round(time.monotonic() - began_s, 1),
        holds=all(each.holds for each in promises),
        promises=promises,
        switches=moved,
        calls=books.calls,
        spend_usd=format_usd(books.spend_nanos),
        upstream_billed_usd=books.billed_usd,
        held_usd_after=format_usd(books.held_nanos),
        journal_replayed_equal=books.equal,
    )


def _play(stage: Stage, begin: Callable[[str], None]) -> tuple[list[Promise], list[Switch]]:
    begin("Checked tasks: how good each model is")
    told = learn(stage)
    begin("A hundred turns: each model alone, and a session, through an outage")
    promises, moved = coding(stage, told)
    begin("A model that becomes worse, and nobody says so")
    dropped, switches = drop(stage)
    promises, moved = promises + dropped, moved + switches
    begin("One session over two accounts")
    alike, switches = accounts(stage)
    promises, moved = promises + alike, moved + switches
    begin("What has to stay in the EU")
    return promises + residence(stage), moved


def _explained(moved: list[Switch]) -> Promise:
    """Say whether each record explains its switch: a gain, or somebody who could not be asked."""
    gains = sum(each.reason in MOVES and each.gain_usd is not None for each in moved)
    forced = sum(bool(each.failed) or each.reason not in MOVES for each in moved)
    without = [each for each in moved if each.reason in MOVES and each.gain_usd is None]
    again = sum(each.repeats for each in moved)
    return Promise(
        promise="Each switch is explained by its record, from which the decision comes out again.",
        holds=bool(moved) and not without and again == len(moved),
        figures={
            "switches": len(moved),
            "for a computed gain": gains,
            "with somebody who could not be asked": forced,
            "decided again alike": again,
        },
    )


def _books(stage: Stage) -> _Books:
    """Stop the node, and hold its books against the bills and against its journals."""
    stage.client.close()
    stage.node.stop()
    entries: list[Entry] = []
    for admin in stage.admins.values():
        entries += fetch_bill(admin).requests
    stage.providers.stop()
    with reading_engine(stage.data_dir) as engine:
        found = check_books(engine, journal_root(stage.data_dir))
    with reading(stage.data_dir) as connection:
        rows = list_calls(connection, Wanted(), ROWS_MAX)
    compared = compare((row for row in rows if isinstance(row, AttemptRow)), entries)
    return _Books(
        calls=len({row.call for row in rows}),
        spend_nanos=compared.measured_nanos + compared.estimated_nanos,
        billed_usd=exact_usd(compared.measured_billed_nanos + compared.estimated_billed_nanos),
        held_nanos=found.held_total_nanos,
        equal=found.equal,
        differences=len(compared.differences),
    )


def _balanced(books: _Books) -> Promise:
    return Promise(
        promise="The books are the providers' bills, call by call, and what the journals say.",
        holds=books.equal and not books.differences and not books.held_nanos,
        figures={
            "calls": books.calls,
            "posted usd": format_usd(books.spend_nanos),
            "billed usd": books.billed_usd,
            "calls that differ": books.differences,
            "held usd": format_usd(books.held_nanos),
        },
    )
