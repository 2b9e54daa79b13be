"""Following what is folded: each attempt that ended and each call that was refused, once.

Journals are the outbox: they are kept, in order, and never changed. A follower has a place in each,
reads on from there as far as the store has folded, and takes the rows of what ended from the store.
So nothing is asked of a worker, nothing is added to a fold, and nothing can be missed: a place that
was not kept is read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select

from headgate.exports.tables import followed
from headgate.insights.calls import (
    AttemptRow,
    OpenedCall,
    RefusedRow,
    attempt_row,
    open_call,
    refused_row,
)
from headgate.ledger.folded import Folded, FoldedSettle, decode
from headgate.ledger.tables import attempt, attempts, journal, refusal
from headgate.records.journal import RefusalRecord, VoidRecord
from headgate.store.journal_reader import Cursor, JournalReader
from headgate.units.ids import attempt_id, call_of

IDS_AT_ONCE = 500
"""So many ids are asked for at a time: stores bound how many values a statement may have."""

_BEGUN = ""
"""Stands for the journal of the row that says that a follower has begun."""

Places = Mapping[str, Cursor]


class Step(NamedTuple):
    """What a follower finds next, from one journal.

    Attributes:
        place: Where it goes on afterwards.
        traces: By attempt, the span its client called in, where it said so.
    """

    journal: str
    place: Cursor
    attempts: tuple[AttemptRow, ...]
    refused: tuple[RefusedRow, ...]
    traces: Mapping[str, str] = MappingProxyType({})


class Found(NamedTuple):
    """A step, and the calls that are over with it, each with all its attempts."""

    step: Step
    over: tuple[OpenedCall, ...]


def folded(connection: Connection) -> dict[str, Cursor]:
    """Return how far every journal is folded."""
    return {row.name: Cursor(row.seq, row.offset) for row in connection.execute(select(journal))}


def steps(connection: Connection, root: Path, places: Places) -> Iterator[Step]:
    """Yield what was folded behind some places, about a mebibyte of a journal at a time.

    Args:
        connection: To the store.
        root: The folder of journals.
        places: By journal; one that is not among them is read from its beginning.
    """
    for name, until in folded(connection).items():
        reader = JournalReader(root / name, places.get(name, Cursor()))
        while reader.cursor != until:
            records, traces = _read(reader, until)
            if not records:
                # It lies on another node, or was taken away.
                break
            ended = [
                each.attempt for each in records if isinstance(each, FoldedSettle | VoidRecord)
            ]
            refused = [each.call for each in records if isinstance(each, RefusalRecord)]
            yield Step(
                name,
                reader.cursor,
                tuple(_attempts(connection, ended)),
                tuple(_refused(connection, refused)),
                traces,
            )


class _Traced(Struct):
    """What the end of an attempt says beside what is folded."""

    attempt: str
    trace: str


_traced = msgspec.json.Decoder(_Traced).decode


def _read(reader: JournalReader, until: Cursor) -> tuple[list[Folded], dict[str, str]]:
    """Return the next records, and the spans that clients called in."""
    traces: dict[str, str] = {}

    def take(payload: bytes) -> Folded:
        if b'"trace":' in payload:
            _note(payload, traces)
        record: Folded = decode(payload)
        return record

    return reader.read_as(take, until), traces


def _note(payload: bytes, traces: dict[str, str]) -> None:
    try:
        found = _traced(payload)
    except msgspec.ValidationError:
        # Another record, whose text has this word in it.
        return
    traces[found.attempt] = found.trace


def find_next(connection: Connection, root: Path, places: Places) -> Found | None:
    """Return the next step with the calls that are over with it, None when there is none."""
    step = next(steps(connection, root, places), None)
    return None if step is None else Found(step, tuple(_over(connection, step)))


def _over(connection: Connection, step: Step) -> list[OpenedCall]:
    ended = [row for row in step.attempts if row.final]
    first = [row.call for row in ended if row.number == 1]
    alone = set(first) - set(_hedged(connection, first))
    found = {
        row.call: OpenedCall(row.call, (row,), {}) if row.call in alone else None for row in ended
    }
    found |= dict.fromkeys(row.call for row in step.refused)
    opened = (call or open_call(connection, name) for name, call in found.items())
    return [call for call in opened if call is not None and not call.is_running]


def _hedged(connection: Connection, calls: Sequence[str]) -> Iterator[str]:
    """Yield the calls that have a second attempt, which ended before the first one did."""
    for some in _pieces([attempt_id(call, 2) for call in calls]):
        query = select(attempt.c.attempt).where(attempt.c.attempt.in_(some))
        yield from map(call_of, connection.scalars(query))


def _attempts(connection: Connection, ids: Sequence[str]) -> Iterator[AttemptRow]:
    for some in _pieces(ids):
        query = select(attempts).where(attempts.c.attempt.in_(some))
        found = {row["attempt"]: row for row in connection.execute(query).mappings()}
        yield from (attempt_row(found[each]) for each in some if each in found)


def _refused(connection: Connection, ids: Sequence[str]) -> Iterator[RefusedRow]:
    for some in _pieces(ids):
        query = select(refusal).where(refusal.c.call.in_(some))
        found = {row["call"]: row for row in connection.execute(query).mappings()}
        yield from (refused_row(found[each]) for each in some if each in found)


def _pieces(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[at : at + IDS_AT_ONCE] for at in range(0, len(ids), IDS_AT_ONCE))


def kept_places(connection: Connection, follower: str) -> dict[str, Cursor]:
    """Return the places that are kept for a follower.

    One that was never sent anything begins where the store is now, and that is kept.
    """
    query = select(followed).where(followed.c.follower == follower)
    places = {row.journal: Cursor(row.seq, row.offset) for row in connection.execute(query)}
    if not places:
        places = {**folded(connection), _BEGUN: Cursor()}
        for name, place in places.items():
            keep_place(connection, follower, name, place)
    return places


def keep_place(connection: Connection, follower: str, name: str, place: Cursor) -> None:
    """Keep how far a follower is in a journal, in the caller's transaction."""
    same = (followed.c.follower == follower, followed.c.journal == name)
    connection.execute(delete(followed).where(*same))
    row = {"follower": follower, "journal": name, "seq": place.seq, "offset": place.offset}
    connection.execute(insert(followed).values(row))
