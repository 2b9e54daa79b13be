"""Folding: journal records in, changes to the books out; pure.

The fold is the only way money reaches the store: what workers did, and what the steward closes
for a dead worker (it appends to that worker's journal, then folds), take the same path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headgate.ledger.folded import Folded, FoldedHold, FoldedSettle
from headgate.records.journal import (
    REFERENCES_MAX,
    AdjustmentRecord,
    CallerRecord,
    DecisionRecord,
    ExtendRecord,
    RefusalRecord,
    RouteRecord,
    VoidRecord,
)
from headgate.units.errors import JournalError


class Caller:
    """A caller as folding knows it.

    Attributes:
        id: What the store knows it by.
        windows: The windows of its holds.
        waived: The shadow windows that its holds did not fit into.
        along: How the sums of its windows change by what is being folded; None otherwise.
    """

    __slots__ = ("along", "id", "waived", "windows")

    def __init__(self, id_: int, windows: tuple[str, ...], waived: tuple[str, ...] = ()) -> None:
        self.id, self.windows, self.waived = id_, windows, waived
        self.along: Movement | None = None


class Held:
    """An attempt that is open, or that has ended and is no row yet.

    No dataclass: compiled, those have a constructor that is not.

    Attributes:
        end: None while it is open.
        stored: Whether the store has a row of it.
    """

    __slots__ = ("caller", "end", "hold", "stored")

    def __init__(self, hold: FoldedHold, caller: Caller, *, stored: bool) -> None:
        self.hold, self.caller = hold, caller
        self.end: FoldedSettle | VoidRecord | None = None
        self.stored = stored


@dataclass(slots=True)
class Known:
    """What folding remembers of a journal from one stretch to the next.

    Attributes:
        ids: Gives the ids of new callers and routes in the store.
        open_holds: By attempt.
        callers: By their numbers, those that holds may still refer to.
        routes: Likewise, their ids.
    """

    ids: Iterator[int]
    open_holds: dict[str, Held] = field(default_factory=dict)
    callers: dict[int, Caller] = field(default_factory=dict)
    routes: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Movement:
    """How a window's sums change.

    Attributes:
        opened_nanos: What is held anew, whether it was ended in the same stretch or not.
    """

    held_nanos: int = 0
    posted_nanos: int = 0
    opened_nanos: int = 0


@dataclass(slots=True)
class Waived:
    """What a shadow window would have refused: how often, how much was held, when first."""

    first_ns: int
    attempts: int = 0
    amount_nanos: int = 0


@dataclass(slots=True)
class Batch:
    """What a stretch of a journal changes.

    Attributes:
        movements: By window key.
        opened: Attempts that were held in this stretch and are no rows yet, those of `ended` among
            them.
        ended: Attempts that have ended in this stretch and are no rows yet.
        closed: Ends of attempts that the store has a row of.
        extended: Holds that the store has a row of and that have grown, by attempt.
        callers: New ones by their ids in the store.
        routes: The same.
        waived: What would have been refused, by the shadow window.
        adjustments: Corrections that this journal tells of. They are in no movement: an id that
            another journal told of before counts no more, and only the books know those.
        touched_ns: When the attempts and refusals were held or refused that are rows already.
    """

    movements: dict[str, Movement] = field(default_factory=dict)
    opened: list[Held] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)
    closed: list[FoldedSettle | VoidRecord] = field(default_factory=list)
    extended: dict[str, FoldedHold] = field(default_factory=dict)
    callers: dict[int, CallerRecord] = field(default_factory=dict)
    routes: dict[int, RouteRecord] = field(default_factory=dict)
    refusals: list[RefusalRecord] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)
    waived: dict[str, Waived] = field(default_factory=dict)
    adjustments: list[AdjustmentRecord] = field(default_factory=list)
    touched_ns: list[int] = field(default_factory=list)

    def ends(self) -> Iterator[FoldedSettle | VoidRecord]:
        """Yield how attempts ended in this stretch, whenever they were held."""
        yield from self.closed
        for each in self.ended:
            if each.end is not None:
                yield each.end


def posted(end: FoldedSettle | VoidRecord) -> int:
    """Return what an end posts."""
    return end.amount_nanos if type(end) is FoldedSettle else 0


def fold(records: Iterable[Folded], known: Known, batch: Batch | None = None) -> Batch:
    """Fold records of one journal, in order.

    Args:
        records: The next records.
        known: What was known before them; changed to what is known after them.
        batch: What the records before them in their stretch come to, to which these are added;
            None when they begin one.

    Raises:
        JournalError: An attempt is held twice or for nobody, or is extended or ends without a
            hold: the journal was tampered with, for a worker cannot write that. What is known of
            it is then of no use any more.
    """
    batch = Batch() if batch is None else batch
    # Calls of one caller share their windows, so sums by caller are far fewer than records.
    moved: list[Caller] = []
    for record in records:
        # By type, for that is all it costs; nothing inherits from these.
        if type(record) is FoldedHold:
            _open(batch, record, known, moved)
        elif type(record) is FoldedSettle or type(record) is VoidRecord:
            _end(batch, record, known, moved)
        elif isinstance(record, ExtendRecord):
            _extend(batch, record, known, moved)
        else:
            _note(batch, record, known)
    for caller in moved:
        along, caller.along = caller.along, None
        assert along is not None
        for window in caller.windows:
            movement = batch.movements.setdefault(window, Movement())
            movement.held_nanos += along.held_nanos
            movement.posted_nanos += along.posted_nanos
            movement.opened_nanos += along.opened_nanos
    return batch


def _open(batch: Batch, record: FoldedHold, known: Known, moved: list[Caller]) -> None:
    attempt = record.attempt
    if attempt in known.open_holds:
        raise JournalError(f"{attempt} is held twice")
    caller, route = known.callers.get(record.caller), known.routes.get(record.route)
    if caller is None or route is None:
        raise JournalError(f"{attempt} is held for a caller or route that was not named")
    record.caller, record.route = caller.id, route
    held = known.open_holds[attempt] = Held(record, caller, stored=False)
    batch.opened.append(held)
    _hold(moved, caller, record.amount_nanos)
    for window in caller.waived:
        waived = batch.waived.setdefault(window, Waived(record.at_ns))
        waived.attempts += 1
        waived.amount_nanos += record.amount_nanos


def _extend(batch: Batch, record: ExtendRecord, known: Known, moved: list[Caller]) -> None:
    attempt = record.attempt
    held = known.open_holds.get(attempt)
    if held is None:
        raise JournalError(f"{attempt} is extended without a hold")
    held.hold.amount_nanos += record.amount_nanos
    held.hold.extensions += 1
    if held.stored:
        batch.extended[attempt] = held.hold
    _hold(moved, held.caller, record.amount_nanos)


def _end(
    batch: Batch, record: FoldedSettle | VoidRecord, known: Known, moved: list[Caller]
) -> None:
    attempt = record.attempt
    held = known.open_holds.pop(attempt, None)
    if held is None:
        raise JournalError(f"{attempt} ends without a hold")
    if held.stored:
        batch.closed.append(record)
    else:
        held.end = record
        batch.ended.append(held)
    movement = _along(moved, held.caller)
    movement.held_nanos -= held.hold.amount_nanos
    movement.posted_nanos += posted(record)


def _note(batch: Batch, record: Folded, known: Known) -> None:
    """Take up a record of no hold and no end."""
    if isinstance(record, RefusalRecord):
        batch.refusals.append(record)
    elif isinstance(record, DecisionRecord):
        batch.decisions.append(record)
    elif isinstance(record, CallerRecord):
        caller = Caller(next(known.ids), record.windows, record.waived)
        batch.callers[caller.id] = record
        known.callers[record.number] = caller
        known.callers.pop(record.number - REFERENCES_MAX, None)
    elif isinstance(record, RouteRecord):
        route = next(known.ids)
        batch.routes[route] = record
        known.routes[record.number] = route
        known.routes.pop(record.number - REFERENCES_MAX, None)
    elif isinstance(record, AdjustmentRecord):
        batch.adjustments.append(record)


def _hold(moved: list[Caller], caller: Caller, amount_nanos: int) -> None:
    along = _along(moved, caller)
    along.held_nanos += amount_nanos
    along.opened_nanos += amount_nanos


def _along(moved: list[Caller], caller: Caller) -> Movement:
    along = caller.along
    if along is None:
        along = caller.along = Movement()
        moved.append(caller)
    return along
