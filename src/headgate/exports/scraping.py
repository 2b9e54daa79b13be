"""What `/metrics` answers: counts what was folded since the last look, and looks at what is so now.

Nothing is counted between looks, so a node that nobody scrapes pays nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select

from headgate import __version__
from headgate.budgets.settings import Budget
from headgate.budgets.standing import standings
from headgate.exports.following import folded, steps
from headgate.exports.prometheus import State, render
from headgate.exports.tally import Tally
from headgate.insights.drift import drifts
from headgate.insights.quality import worse
from headgate.insights.routes import Queued, Unwell
from headgate.ledger.tables import adjustment, attempt, caller, journal
from headgate.store.journal_reader import Cursor, JournalReader
from headgate.units.instants import NANOS_PER_SECOND, to_date

DRIFT_NS = 31 * 86_400 * NANOS_PER_SECOND
"""Drift is that of so long."""

_ADJUSTED = select(func.sum(adjustment.c.amount_nanos))


class Seen(NamedTuple):
    """What the node knows now and the store does not: who is unwell, and who waits."""

    unwell: Unwell
    queued: Sequence[Queued]


class Scrape:
    """Counts from the moment it is made; used from several threads.

    Args:
        engine: The store, opened for reading.
        root: The folder of journals.
    """

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self._root = root
        self._tally = Tally()
        self._lock = Lock()
        with engine.connect() as connection:
            self._places = folded(connection)

    def text(self, budgets: Mapping[str, Budget], zone: tzinfo, now_ns: int, seen: Seen) -> str:
        """Return all metrics, as Prometheus reads them."""
        with self._lock, self._engine.connect() as connection:
            for step in steps(connection, self._root, self._places):
                self._tally.count(step.attempts, step.refused)
                self._places[step.journal] = step.place
            found = standings(connection, budgets.values(), now_ns, zone, runs=())
            running, held_nanos = _running(connection)
            state = State(
                version=__version__,
                budgets=[each for each in found if each.id in budgets],
                held_nanos=held_nanos,
                running=running,
                unwell=seen.unwell,
                queued=seen.queued,
                behind_bytes=sum(self._behind(connection)),
                adjusted_nanos=int(connection.scalar(_ADJUSTED) or 0),
                drifts=drifts(connection, to_date(now_ns - DRIFT_NS)),
                worse=worse(connection),
            )
            return render(self._tally, state)

    def _behind(self, connection: Connection) -> Iterable[int]:
        """Yield how many bytes of records each open journal has that are not folded.

        At most a mebibyte of each is looked at: that is far behind.
        """
        for row in connection.execute(select(journal).where(~journal.c.ended)):
            reader = JournalReader(self._root / row.name, Cursor(row.seq, row.offset))
            if reader.read():
                same = reader.cursor.seq == row.seq
                yield reader.cursor.offset - row.offset if same else 0


def _running(connection: Connection) -> tuple[int, int]:
    """Return how many attempts run, and what they hold."""
    # Only open journals have running attempts; naming them makes this a lookup by key.
    opened = select(journal.c.name).where(~journal.c.ended)
    held = select(func.count(), func.coalesce(func.sum(attempt.c.hold_nanos), 0))
    held = held.select_from(attempt.join(caller, caller.c.id == attempt.c.caller))
    held = held.where(caller.c.journal.in_(opened), attempt.c.state == "held")
    count, nanos = connection.execute(held).one()
    return count, int(nanos)
