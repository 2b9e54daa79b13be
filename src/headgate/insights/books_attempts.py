"""Comparing a journal's attempts with the store's, one by one where their sums differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, Result, Select, select

from headgate.insights.attempt_prints import End, Prints, Some, Take, differences
from headgate.insights.books_replay import Passed, Replay, add_movement, replay
from headgate.ledger.fold import Movement
from headgate.ledger.tables import attempt, caller
from headgate.store.journal_reader import Cursor

_STREAMED: Final = {"yield_per": 10_000}

_Rows = Select[tuple[str, str, int, int, int]]
_ROWS: _Rows = select(
    *(attempt.c.attempt, attempt.c.state, attempt.c.posted_nanos),
    *(attempt.c.caller, attempt.c.hold_nanos),
)
_windows: Final = msgspec.json.Decoder(list[str])


@dataclass(slots=True)
class Stored:
    """The store's attempts, summed up; memory grows with callers, not with attempts.

    Attributes:
        prints: By the journal they are of.
        sums: What they hold and have posted, by caller.
    """

    prints: dict[str, Prints] = field(default_factory=dict)
    sums: dict[int, Movement] = field(default_factory=dict)


def stored(connection: Connection) -> Stored:
    """Sum up the store's attempts, each read once."""
    # By caller first: they are few, and a join would look each attempt's up.
    journals: dict[int, str] = dict(connection.execute(select(caller.c.id, caller.c.journal)).all())
    found = Stored()
    for row in _rows(connection, _ROWS):
        sums = found.sums.get(row.caller)
        if sums is None:
            sums = found.sums[row.caller] = Movement()
        sums.posted_nanos += row.posted_nanos
        if row.state == "held":
            sums.held_nanos += row.hold_nanos
        journal = journals.get(row.caller)
        if journal is None:
            # An attempt without its caller is of no journal, so its own will miss it.
            continue
        prints = found.prints.get(journal)
        if prints is None:
            prints = found.prints[journal] = Prints()
        prints.add(row.attempt, End(row.state, row.posted_nanos))
    return found


def sums_by_window(connection: Connection, sums: Mapping[int, Movement]) -> dict[str, Movement]:
    """Return what attempts come to by window; each counts once for every window of its caller.

    Args:
        connection: To the store.
        sums: By caller.
    """
    came: dict[str, Movement] = {}
    query = select(caller.c.id, caller.c.windows)
    for each, windows in connection.execute(query, execution_options=_STREAMED):
        movement = sums.get(each)
        if movement is not None:
            for window in _windows.decode(windows):
                add_movement(came, window, movement)
    return came


def _rows(connection: Connection, query: _Rows) -> Result[tuple[str, str, int, int, int]]:
    return connection.execute(query, execution_options=_STREAMED)


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
        for row in _rows(self.connection, _ROWS.where(attempt.c.caller.in_(mine))):
            here.add(row.attempt, End(row.state, row.posted_nanos))
        for each in there.twice:
            yield f"{each} is held twice in {self.directory.name}."
        yield from differences(here, there)
