"""A worker's purse: holds against its slices, and asks the steward when they are too small.

A call whose hold does not fit waits while the steward is asked for all of it: the worker gives back
what lies idle on the windows of its path, so that the steward alone decides who is next, over all
workers. A call that shares a window with one that waits queues behind it, so a small call cannot
starve a large one. The steward lends to a call whole, or refuses it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from headgate.ledger.line import Borrowing, Grant, Need, Outcome
from headgate.ledger.slices import Slice, Slices, hold

LEASE_WAIT_MS: Final = 2_000
"""How long a call waits for a steward that does not answer (it may be restarting)."""

SLICE_CALLS: Final = 4
"""A slice is asked for this many holds at least, so that the next calls need not ask."""

SLICE_TIMES: Final = 4
"""It is asked for so many times what was spent of it since it was last asked for."""


class Short:
    """Why a call is refused.

    Attributes:
        piece: The slice of the window that is too small.
        left_nanos: What is left of that window.
        contended: Whether there is enough of it, though in other hands for a moment.
    """

    __slots__ = ("contended", "left_nanos", "piece")

    def __init__(self, piece: Slice, left_nanos: int, contended: bool) -> None:
        self.piece = piece
        self.left_nanos = left_nanos
        self.contended = contended


class Waiting(NamedTuple):
    """A call that waits for money.

    Attributes:
        resume: Called once: with None when it is held, with what is too small when it is
            refused, with the text "unavailable" when the steward did not answer.
        since_ms: Coarse monotonic time.
        shorten: Whether it may be made shorter: then a refusal comes with what is left.
    """

    path: Slices
    amount_nanos: int
    resume: Callable[[Short | str | None], None]
    since_ms: int
    shorten: bool = False


UNAVAILABLE: Final = "unavailable"

Ask = Callable[[Borrowing], bool]
"""Asks the steward for money; False when there is no connection to it now."""


class Purse:
    """All slices of a worker.

    Args:
        ask: Asks the steward, which answers through `lent`.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._slices: dict[str, Slice] = {}
        # Those that were held on since the last refill: runs come and go by the thousand.
        self._touched: set[Slice] = set()
        # In the order they came; those that were asked for by the ids of their needs.
        self._queue: list[Waiting] = []
        self._asked: dict[int, Waiting] = {}
        self._number = self._heard = 0
        self._blocked: dict[Slice, int] = {}
        # Nothing is asked before the steward has heard what was asked last, nor while answers are
        # being told: then what comes meanwhile is asked at once.
        self._in_flight = False
        self._telling = False

    def slice_of(self, window: str, budget: str) -> Slice:
        """Return the slice of a window, opened empty on first use."""
        piece = self._slices.get(window)
        if piece is None:
            piece = self._slices[window] = Slice(window, budget)
        return piece

    def __len__(self) -> int:
        """Return how many slices there are."""
        return len(self._slices)

    def try_hold(self, path: Slices, amount_nanos: int) -> Slice | None:
        """Hold now; None when held, else a window that is too small or has others waiting."""
        if self._blocked:
            for piece in path:
                if piece in self._blocked:
                    return piece
        for piece in path:
            if not piece.touched:
                piece.touched = True
                self._touched.add(piece)
        return hold(path, amount_nanos)

    def wait(self, waiting: Waiting) -> None:
        """Queue a call whose hold did not fit, and ask the steward."""
        self._block(waiting)
        self._queue.append(waiting)
        self._send()

    def _send(self) -> None:
        if self._in_flight or self._telling:
            return
        self._serve()
        if not self._queue:
            return
        asked = dict(enumerate(self._queue, self._number + 1))
        borrowing = self._borrow(asked)
        if self._ask(borrowing):
            self._in_flight = True
            self._number += len(asked)
            self._asked.update(asked)
            self._queue.clear()
        else:
            for window, amount in borrowing.returned.items():
                self._slices[window].granted_nanos += amount

    def _serve(self) -> None:
        """Hold what fits by now: what was given back meanwhile may be enough."""
        stopped = {piece for waiting in self._asked.values() for piece in waiting.path}
        at = 0
        self._telling = True
        try:
            while at < len(self._queue):
                waiting = self._queue[at]
                stops = any(piece in stopped for piece in waiting.path)
                if stops or hold(waiting.path, waiting.amount_nanos) is not None:
                    stopped.update(waiting.path)
                    at += 1
                    continue
                del self._queue[at]
                self._unblock(waiting)
                waiting.resume(None)
        finally:
            self._telling = False

    def _borrow(self, asked: Mapping[int, Waiting]) -> Borrowing:
        needs: list[Need] = []
        largest: dict[Slice, int] = {}
        for number, waiting in asked.items():
            amount = waiting.amount_nanos
            windows = tuple([piece.window for piece in waiting.path])
            needs.append(Need(number, windows, amount, waiting.shorten))
            for piece in waiting.path:
                largest[piece] = max(largest.get(piece, 0), amount)
        returned = self._take(largest)
        debts = {each.window: -each.idle_nanos for each in largest if each.idle_nanos < 0}
        wants: dict[str, int] = {}
        for piece, amount in largest.items():
            spent, piece.spent_recently_nanos = piece.spent_recently_nanos, 0
            had = returned.get(piece.window, 0)
            wants[piece.window] = max(SLICE_CALLS * amount, SLICE_TIMES * spent, had)
        return Borrowing(needs, wants, returned, debts, self._heard)

    def lent(
        self, grants: Mapping[str, Grant], outcomes: Iterable[Outcome], *, heard: bool
    ) -> None:
        """Take note of what was lent, and answer the calls that are decided.

        Args:
            grants: By window.
            outcomes: In the order in which the calls are answered.
            heard: Whether this is the first answer to what was asked last.
        """
        self._heard += 1 if grants else 0
        for window, grant in grants.items():
            piece = self.slice_of(window, window.partition("@")[0])
            piece.granted_nanos += grant.total_nanos - grant.before_nanos
            if piece.base_nanos < 0:
                piece.base_nanos = grant.before_nanos
        # A call that is answered may let another begin to wait: that one asks after these.
        self._telling = True
        try:
            for outcome in outcomes:
                self._tell(outcome)
        finally:
            self._telling = False
        if heard:
            self._in_flight = False
        self._send()

    def _tell(self, outcome: Outcome) -> None:
        waiting = self._asked.pop(outcome.need, None)
        if waiting is None:
            # Its client left: what was lent for it is for the next.
            return
        self._unblock(waiting)
        if outcome.window is not None:
            piece = self.slice_of(outcome.window, outcome.window.partition("@")[0])
            waiting.resume(Short(piece, outcome.left_nanos, outcome.contended))
        elif hold(waiting.path, waiting.amount_nanos) is None:
            waiting.resume(None)
        else:
            # Somebody was billed beyond a hold meanwhile: that is covered first.
            self._block(waiting)
            self._queue.insert(0, waiting)

    def _block(self, waiting: Waiting) -> None:
        for piece in waiting.path:
            self._blocked[piece] = self._blocked.get(piece, 0) + 1

    def _unblock(self, waiting: Waiting) -> None:
        for piece in waiting.path:
            left = self._blocked[piece] - 1
            if left:
                self._blocked[piece] = left
            else:
                del self._blocked[piece]

    def leave(self, resume: Callable[[Short | str | None], None]) -> None:
        """Forget a waiting call whose client went away."""
        for waiting in [each for each in self._queue if each.resume == resume]:
            self._queue.remove(waiting)
            self._unblock(waiting)
        for number in [key for key, each in self._asked.items() if each.resume == resume]:
            self._unblock(self._asked.pop(number))

    def disconnected(self) -> None:
        """The steward is gone: what was asked is asked again when it is back."""
        self._in_flight = False
        self._heard = 0
        self._queue[:0] = self._asked.values()
        self._asked.clear()

    def reconnected(self, lent: Mapping[str, Grant]) -> None:
        """The steward is back, and says what was lent before and what of it is posted by now.

        What the journal has posted on a window, but for what a slice that was never lent to has
        posted itself (beyond a hold of nothing), was lent to slices before it.
        """
        for window, grant in lent.items():
            piece = self._slices.get(window)
            if piece is None:
                if grant.total_nanos <= grant.before_nanos:
                    continue
                piece = self.slice_of(window, window.partition("@")[0])
            if piece.base_nanos < 0:
                piece.base_nanos = max(0, grant.before_nanos - piece.posted_nanos)
            piece.granted_nanos = grant.total_nanos - piece.base_nanos
        self._send()

    def count_from(self, since_ms: int, at_ms: int) -> None:
        """Count calls that began to wait at one time as of a later one."""
        for number, each in self._asked.items():
            if each.since_ms == since_ms:
                self._asked[number] = each._replace(since_ms=at_ms)
        for place, each in enumerate(self._queue):
            if each.since_ms == since_ms:
                self._queue[place] = each._replace(since_ms=at_ms)

    def expired(self, before_ms: int) -> list[Waiting]:
        """Take out calls that began to wait before an instant, for them to be refused.

        The steward does not answer them, which is told as `UNAVAILABLE`.
        """
        late = [number for number, each in self._asked.items() if each.since_ms < before_ms]
        gone = [self._asked.pop(number) for number in late]
        gone += [each for each in self._queue if each.since_ms < before_ms]
        self._queue = [each for each in self._queue if each.since_ms >= before_ms]
        for waiting in gone:
            self._unblock(waiting)
        return gone

    def refill(self) -> None:
        """Ask ahead for windows that are spent quickly, so that calls seldom have to wait."""
        if self._in_flight or self._queue or self._asked:
            return
        wants = {}
        touched, self._touched = self._touched, set()
        for piece in touched:
            piece.touched = False
            spent, piece.spent_recently_nanos = piece.spent_recently_nanos, 0
            if spent and piece.idle_nanos < 2 * spent:
                wants[piece.window] = SLICE_TIMES * spent
        self.want(wants)

    @property
    def asks(self) -> bool:
        """Whether something may be asked now: the steward has heard what was asked before."""
        return not self._in_flight

    def want(self, wants: Mapping[str, int]) -> None:
        """Ask for money that no call waits for, by window; it comes where there is plenty."""
        if wants and not self._in_flight:
            self._in_flight = self._ask(Borrowing((), wants, {}, {}))

    def release(self, windows: Iterable[str] | None = None) -> dict[str, int]:
        """Take money that no hold needs out of slices (None: all), so that it can be given back.

        Returns:
            What was taken, by window; the caller tells the steward.
        """
        if windows is None:
            return self._take(list(self._slices.values()))
        return self._take([self._slices[each] for each in windows if each in self._slices])

    def _take(self, pieces: Iterable[Slice]) -> dict[str, int]:
        taken: dict[str, int] = {}
        for piece in pieces:
            idle = piece.idle_nanos
            if idle > 0:
                piece.granted_nanos -= idle
                taken[piece.window] = idle
        return taken

    def forget(self, piece: Slice, returned: dict[str, int]) -> bool:
        """Forget a slice whose work is over, so that nothing of it is kept; False while it is used.

        Args:
            piece: The slice.
            returned: What was idle in it is put here; the caller tells the steward.
        """
        if piece.held_nanos or piece in self._blocked:
            return False
        returned.update(self._take((piece,)))
        self._touched.discard(piece)
        piece.touched = False
        self._slices.pop(piece.window, None)
        return True
