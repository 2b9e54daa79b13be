"""Reconciling by itself: once a day the steward compares the books with providers' reports."""

import asyncio
import time
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from headgate.config.snapshot import Snapshot
from headgate.insights.drift import keep_cells
from headgate.ledger.keeper import Keeper
from headgate.node.adjusting import MESSAGE_MAX, answer_adjust
from headgate.node.commands import by_steward
from headgate.node.corrections import Adjust, Corrected, KeepCells
from headgate.node.messages import Done
from headgate.reconcile.load_compared import Rules as Compared
from headgate.reconcile.load_compared import compare, deployments_of
from headgate.reconcile.load_fetched import fetch
from headgate.reconcile.load_reports import ReportError, read_reports
from headgate.reconcile.reconciling import Reconciled
from headgate.reconcile.reports import Reports
from headgate.reconcile.settings import Source
from headgate.records.reconciled import Cell
from headgate.store import audit
from headgate.store.audit import Event
from headgate.units.instants import NANOS_PER_SECOND, to_datetime

LOOK_S = 20.0
RETRY_NS = 900 * NANOS_PER_SECOND
TRIES_MAX = 8
"""A provider whose reports cannot be had is asked so often in a day, a quarter hour apart."""

BY = "steward"
FAILED = "reconcile.failed"
DETAIL_MAX = 300


class Rules(Protocol):
    """What the steward goes by."""

    @property
    def snapshot(self) -> Snapshot:
        """The configuration."""


class Desk(Protocol):
    """What the steward has that is needed here."""

    @property
    def rules(self) -> Rules:
        """The configuration in force."""

    @property
    def engine(self) -> Engine:
        """The store, for writing."""

    @property
    def reading(self) -> Engine:
        """The store, beside it."""

    @property
    def keeper(self) -> Keeper:
        """The ledger's hands."""


class Turn:
    """When a provider's reports are compared: once a day, again after a failure.

    What this steward did not do it does: a new one compares once more, which changes nothing.
    """

    def __init__(self) -> None:
        self._done = ""
        self._failed = 0
        self._next_ns = 0

    def is_due(self, minute: int, zone: tzinfo, now_ns: int) -> bool:
        """Tell whether it is its turn; `minute` is that of the day from which on it is."""
        now = to_datetime(now_ns).astimezone(zone)
        if 60 * now.hour + now.minute < minute or now_ns < self._next_ns:
            return False
        return now.date().isoformat() != self._done

    def note_done(self, zone: tzinfo, now_ns: int) -> None:
        """It was compared."""
        self._done = to_datetime(now_ns).astimezone(zone).date().isoformat()
        self._failed = 0

    def note_failed(self, zone: tzinfo, now_ns: int) -> None:
        """It could not be; after `TRIES_MAX` times it has to wait for the next day."""
        self._failed += 1
        self._next_ns = now_ns + RETRY_NS
        if self._failed >= TRIES_MAX:
            self.note_done(zone, now_ns)


async def reconcile_always(desk: Desk) -> None:
    """Compare each configured provider's reports, once a day."""
    turns: dict[str, Turn] = {}
    while True:
        await asyncio.sleep(LOOK_S)
        snapshot = desk.rules.snapshot
        for name, source in snapshot.reconcile.sources.items():
            turn, now_ns = turns.setdefault(name, Turn()), time.time_ns()
            if not turn.is_due(snapshot.reconcile.minute, snapshot.zone, now_ns):
                continue
            if await reconcile_once(desk, source, now_ns):
                turn.note_done(snapshot.zone, now_ns)
            else:
                turn.note_failed(snapshot.zone, now_ns)


async def reconcile_once(desk: Desk, source: Source, now_ns: int) -> bool:
    """Compare a provider's reports with the books, correct what may be, and keep what was found.

    Returns:
        Whether there were reports; when not, the audit chain says why.
    """
    snapshot = desk.rules.snapshot
    settings = snapshot.reconcile
    try:
        reports = await asyncio.to_thread(_reports, snapshot, source, settings.days, now_ns)
    except ReportError as error:
        detail = {"reason": str(error)[:DETAIL_MAX]}
        with desk.engine.begin() as connection:
            audit.append(
                connection, Event(BY, FAILED, f"provider:{source.provider}", detail), now_ns
            )
        return False
    found = await asyncio.to_thread(_compare, desk.reading, snapshot, source.provider, reports)
    if settings.apply and found.adjustments:
        for at in range(0, len(found.adjustments), MESSAGE_MAX):
            some = found.adjustments[at : at + MESSAGE_MAX]
            answer_adjust(desk.keeper, desk.engine, Adjust(some, BY))
        found = await asyncio.to_thread(_compare, desk.reading, snapshot, source.provider, reports)
    cells = found.cells(source.provider, now_ns)
    with desk.engine.begin() as connection:
        keep_cells(connection, cells, settings.alert_nanos, BY, now_ns)
    return True


def _reports(snapshot: Snapshot, source: Source, days: int, now_ns: int) -> Reports:
    """Return the reports of a source.

    Raises:
        ReportError: There are none, or they cannot be read.
    """
    seller = snapshot.providers[source.provider].seller
    if source.admin:
        reports = fetch(source, days, now_ns)
        reports.seller = seller
        return reports
    return read_reports([Path(source.folder)], seller=seller).get(seller, Reports(seller))


def _compare(reading: Engine, snapshot: Snapshot, provider: str, reports: Reports) -> Reconciled:
    rules = rules_of(snapshot, reports.seller, provider)
    with reading.connect() as connection:
        return compare(connection, reports, rules, f"reports of {provider}")


def rules_of(snapshot: Snapshot, seller: str, provider: str | None) -> Compared:
    """Return by what the reports of a seller are compared; of one provider, or all it has."""
    chosen = deployments_of(snapshot.deployments, seller=seller, provider=provider)
    return Compared(chosen, snapshot.price_book, snapshot.reconcile.settle_hours)


def answer_keep(engine: Engine, message: KeepCells, alert_nanos: int) -> Done:
    """Keep the cells of a message."""
    with engine.begin() as connection:
        keep_cells(connection, message.cells, alert_nanos, message.by, time.time_ns())
    return Done()


def keep(data_dir: Path, cells: tuple[Cell, ...], alert_nanos: int, by: str) -> None:
    """Have cells kept, by the steward or, when no node runs, here.

    Raises:
        StewardUnavailableError: A node runs, but its steward does not answer.
        StoreError: None runs and the store cannot be opened.
    """
    message = KeepCells(cells, by)
    answer = by_steward(data_dir, message, lambda engine: answer_keep(engine, message, alert_nanos))
    assert isinstance(answer, Done | Corrected), answer
