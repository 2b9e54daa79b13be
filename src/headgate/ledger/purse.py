"""A worker's purse: holds against its slices, borrows when they are too small, first come.

A call whose hold does not fit waits while the steward is asked; those waiting are answered in
the order they came, and a call that shares a window with one that waits queues behind it, so a
small call cannot starve a large one. After the steward's answer a call either is held or is
refused: there is nothing more to lend.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from headgate.ledger.slices import Slice, hold

LEASE_WAIT_MS = 2_000
"""How long a call waits for a steward that does not answer (it may be restarting)."""

SLICE_CALLS = 4
"""A slice is asked for this many holds at least, so that the next calls need not ask."""


class Need(NamedTuple):
    """What is asked of one window."""

    window: str
    need_nanos: int
    want_nanos: int


class Waiting(NamedTuple):
    """A call that waits for money.

    Attributes:
        resume: Called once: with None when it is held, with the window that is too small when
            it is refused, with the text "unavailable" when the steward did not answer.
        since_ms: Coarse monotonic time.
    """

    path: Sequence[Slice]
    amount_nanos: int
    resume: Callable[[Slice | str | None], None]
    since_ms: int


UNAVAILABLE = "unavailable"

Ask = Callable[[Sequence[Need]], bool]
"""Sends needs to the steward; False when there is no connection to it now."""


class Purse:
    """All slices of a worker.

    Args:
        ask: Sends needs to the steward, which answers through `granted`.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._slices: dict[str, Slice] = {}
        # Those that were held on since the last refill: runs come and go by the thousand.
        self._touched: set[Slice] = set()
        self._asked: deque[Waiting] = deque()
        self._queue: deque[Waiting] = deque()
        self._blocked: dict[Slice, int] = {}
        self._in_flight = False

    def slice_of(self, window: str, budget: str) -> Slice:
        """Return the slice of a window, opened empty on first use."""
        piece = self._slices.get(window)
        if piece is None:
            piece = self._slices[window] = Slice(window, budget)
        return piece

    def try_hold(self, path: Sequence[Slice], amount_nanos: int) -> Slice | None:
        """Hold now; None when held, else a window that is too small or has others waiting."""
        if self._blocked:
            for piece in path:
                if piece in self._blocked:
                    return piece
        self._touched.update(path)
        return hold(path, amount_nanos)

    def wait(self, waiting: Waiting) -> None:
        """Queue a call whose hold did not fit, and ask the steward."""
        for piece in waiting.path:
            self._blocked[piece] = self._blocked.get(piece, 0) + 1
        self._queue.append(waiting)
        self._send()

    def _send(self) -> None:
        if self._in_flight or not self._queue:
            return
        totals: dict[Slice, list[int]] = {}
        for waiting in self._queue:
            for piece in waiting.path:
                sums = totals.setdefault(piece, [0, 0])
                sums[0] += waiting.amount_nanos
                sums[1] = max(sums[1], waiting.amount_nanos)
        needs = [
            Need(piece.window, total - piece.idle_nanos, SLICE_CALLS * largest)
            for piece, (total, largest) in totals.items()
            if total > piece.idle_nanos
        ]
        if not needs:
            # What was given back meanwhile is enough.
            self._take_queue()
            self._answer()
        elif self._ask(needs):
            self._in_flight = True
            self._take_queue()

    def _take_queue(self) -> None:
        self._asked.extend(self._queue)
        self._queue.clear()

    def granted(self, amounts: dict[str, int], *, answer: bool) -> None:
        """Take note of cumulative amounts lent; `answer` when they answer what was asked."""
        for window, amount in amounts.items():
            self.slice_of(window, window.partition("@")[0]).granted_nanos = amount
        if answer:
            self._answer()

    def _answer(self) -> None:
        # A call that is answered may let another begin to wait: that one asks after these.
        self._in_flight = True
        try:
            while self._asked:
                waiting = self._asked.popleft()
                self._unblock(waiting)
                waiting.resume(hold(waiting.path, waiting.amount_nanos))
        finally:
            self._in_flight = False
        self._send()

    def _unblock(self, waiting: Waiting) -> None:
        for piece in waiting.path:
            left = self._blocked[piece] - 1
            if left:
                self._blocked[piece] = left
            else:
                del self._blocked[piece]

    def leave(self, resume: Callable[[Slice | str | None], None]) -> None:
        """Forget a waiting call whose client went away."""
        for queue in (self._asked, self._queue):
            for waiting in [each for each in queue if each.resume == resume]:
                queue.remove(waiting)
                self._unblock(waiting)

    def disconnected(self) -> None:
        """The steward is gone: what was asked is asked again when it is back."""
        self._in_flight = False
        self._asked.extend(self._queue)
        self._queue, self._asked = self._asked, deque()

    def reconnected(self) -> None:
        """The steward is back."""
        self._send()

    def expire(self, before_ms: int) -> None:
        """Refuse calls that began to wait before an instant: the steward does not answer."""
        for queue in (self._asked, self._queue):
            while queue and queue[0].since_ms < before_ms:
                waiting = queue.popleft()
                self._unblock(waiting)
                waiting.resume(UNAVAILABLE)

    def refill(self) -> None:
        """Ask ahead for windows that are spent quickly, so that calls seldom have to wait."""
        if self._in_flight or self._queue:
            return
        needs = []
        touched, self._touched = self._touched, set()
        for piece in touched:
            spent, piece.spent_recently_nanos = piece.spent_recently_nanos, 0
            if spent and piece.idle_nanos < 2 * spent:
                needs.append(Need(piece.window, 0, 4 * spent))
        if needs and self._ask(needs):
            self._in_flight = True

    def release(self, windows: Iterable[str] | None = None) -> dict[str, int]:
        """Take money that no call needs out of slices (None: all), so that it can be given back.

        Nothing while the steward's answer is due: it would count as lent what is given back.

        Returns:
            What was taken, by window; the caller tells the steward.
        """
        if self._in_flight:
            return {}
        taken: dict[str, int] = {}
        for window in list(self._slices) if windows is None else windows:
            piece = self._slices.get(window)
            if piece is None:
                continue
            waited = sum(
                waiting.amount_nanos
                for queue in (self._asked, self._queue)
                for waiting in queue
                if piece in waiting.path
            )
            spare = piece.idle_nanos - waited
            if spare > 0:
                piece.granted_nanos -= spare
                taken[window] = spare
        return taken
