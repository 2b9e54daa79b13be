"""Comparing a journal's attempts with the store's, one by one where their sums differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Result, Select, select

from headgate.insights.attempt_prints import End, Prints, Some, Take, differences
from headgate.insights.books_replay import Passed, Replay, replay
from headgate.ledger.tables import attempt, caller
from headgate.store.journal_reader import Cursor

ROWS_PER_FETCH = 10_000

_Ends = Select[tuple[str, str, int, int]]
_ENDS: _Ends = select(attempt.c.attempt, attempt.c.state, attempt.c.posted_nanos, attempt.c.caller)


def stored_prints(connection: Connection) -> dict[str, Prints]:
    """Return the sums of the store's attempts, by the journal they are of."""
    # By caller first: they are few, and a join would look each attempt's up.
    journals: dict[int, str] = dict(connection.execute(select(caller.c.id, caller.c.journal)).all())
    prints: dict[str, Prints] = {}
    for row in _rows(connection, _ENDS):
        journal = journals.get(row.caller)
        if journal is None:
            # An attempt without its caller is of no journal, so its own will miss it.
            continue
        known = prints.get(journal)
        if known is None:
            known = prints[journal] = Prints()
        known.add(row.attempt, End(row.state, row.posted_nanos))
    return prints


def _rows(connection: Connection, query: _Ends) -> Result[tuple[str, str, int, int]]:
    return connection.execute(query, execution_options={"yield_per": ROWS_PER_FETCH})


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """A journal to be compared with the store.

    Attributes:
        connection: To the store, in the state that `until` is of.
        directory: The journal's folder.
        until: How far the store has folded it.
    """

    connection: Connection
    directory: Path
    until: Cursor

    def replay(self, take: Take, passed: Passed) -> Replay:
        """Replay the journal as far as the store has it."""
        return replay(self.directory, self.until, take, passed)

    def differences(self, stored: Prints, replayed: Prints) -> Iterator[str]:
        """Yield a sentence for each attempt that is not in both alike; not for all, if many.

        Args:
            stored: The sums of the store.
            replayed: Those of the journal.
        """
        parts = stored.unlike(replayed)
        if not parts:
            return
        here, there = Some(parts), Some(parts)
        self.replay(there.add, lambda _seq: None)
        mine = select(caller.c.id).where(caller.c.journal == self.directory.name)
        for row in _rows(self.connection, _ENDS.where(attempt.c.caller.in_(mine))):
            here.add(row.attempt, End(row.state, row.posted_nanos))
        for each in there.twice:
            yield f"{each} is held twice in {self.directory.name}."
        yield from differences(here, there)
