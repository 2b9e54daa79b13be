"""What the steward lends, and to whom it says so: the line of those who wait, with its clock."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import astuple

from headgate.ledger.allotments import Allotment
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import WAIT_MS, Borrowing, Grant, Need, Outcome
from headgate.node.messages import (
    Borrow,
    Carve,
    GiveBack,
    Granted,
    Lent,
    Message,
    Recall,
    Uncarved,
)
from headgate.node.rows import GrantRow, OutcomeRow

LOOK_S = 0.001


class Lending:
    """Answers what workers ask and return; whoever waits is answered when it is decided.

    Args:
        keeper: The ledger's hands.
        tell: Sends a message to a worker, by its journal.
        failed: Gets the error when the store fails outside of any message.
    """

    def __init__(
        self,
        keeper: Keeper,
        tell: Callable[[str, Message], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._keeper = keeper
        self._line = keeper.line
        self._tell = tell
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0

    def meet(self, journal: str) -> None:
        """Say to a worker what it was lent; from here on it may ask and be asked."""
        self._line.meet(journal)
        self._tell(journal, Granted(_rows(self._keeper.lent_to(journal))))
        self.move()

    def part(self, journal: str) -> None:
        """A worker hung up."""
        self._line.part(journal)
        self._move_unasked()

    def hear(self, message: Borrow | GiveBack, journal: str) -> None:
        """Let what a worker needs join the line, or take back what it does not need.

        Who asks hears at once how far that was decided.
        """
        if isinstance(message, GiveBack):
            self._line.returned(journal, message.amounts, message.recall)
            if message.done:
                self._keeper.end_small(journal, message.done)
            self.move()
            return
        needs = [Need(row.id, row.windows, row.amount_nanos, row.shorten) for row in message.needs]
        borrowing = Borrowing(needs, message.wants, message.returned, message.debts, message.heard)
        self._line.borrow(journal, borrowing, _now_ms())
        self.move(asked=journal)

    async def carve(self, message: Carve, journal: str) -> None:
        """Carve allotments, and tell the worker which do not fit."""
        wanted = [Allotment(*astuple(row)) for row in message.allotments]
        shorts = self._keeper.carve(wanted, time.time_ns())
        if shorts:
            # What is missing may lie idle with others.
            await self.gather([short.above for short in shorts], journal)
            shorts = self._keeper.carve(wanted, time.time_ns())
        for short in shorts:
            self._tell(journal, Uncarved(*short))

    async def gather(self, windows: Sequence[str], journal: str = "") -> None:
        """Recall what lies idle of windows at others than a worker, and wait for it in bounds.

        What came back is there when this returns: whoever uses it does so before anything else
        happens, for from then on workers are lent ahead of what they need again.
        """
        self._line.gathered.update(windows)
        try:
            self._line.call_in(windows)
            self.move()
            for _ in range(WAIT_MS):
                if not self._line.recalled.awaits(windows, journal):
                    break
                await asyncio.sleep(LOOK_S)
        finally:
            self._line.gathered -= Counter(windows)

    def call_in(self) -> None:
        """Recall what is lent of allotments that have ended."""
        if self._line.over:
            self.move()

    def recall(self, windows: Sequence[str]) -> None:
        """Recall what lies idle of windows, for what is to be carved from them."""
        self._line.call_in(windows)
        self.move()

    def limits_changed(self) -> None:
        """Recall what is lent above limits that became lower."""
        self._keeper.call_in()
        self.move()

    def move(self, asked: str | None = None, *, heard: bool = False) -> None:
        """Decide whatever can be decided, durably; then tell, recall, and look again in time.

        Args:
            asked: The worker that hears of it in any case, because it has asked.
            heard: Whether all that workers have said by now is heard.
        """
        done = self._keeper.lend(_now_ms(), heard=heard)
        outcomes: dict[str, list[OutcomeRow]] = {}
        for each in done.outcomes:
            outcomes.setdefault(each.journal, []).append(_row(each))
        for journal in {*outcomes, *done.grants, *(() if asked is None else (asked,))}:
            granted = _rows(done.grants.get(journal, {}))
            decided = tuple(outcomes.get(journal, ()))
            self._tell(journal, Lent(journal == asked, granted, decided))
        for recall in self._line.recalls():
            self._tell(recall.journal, Recall(recall.number, recall.windows))
        self._look_again()

    def _look_again(self) -> None:
        at_ms = self._line.next_ms()
        if self._timer is not None:
            if at_ms == self._timer_ms:
                # Its time may be over: begun anew it would wait for ever where much is said.
                return
            self._timer.cancel()
            self._timer = None
        if at_ms is not None:
            loop = asyncio.get_running_loop()
            self._timer_ms = at_ms
            # Whoever has answered by then is heard first.
            self._timer = loop.call_later(
                max(0, at_ms - _now_ms()) / 1_000, loop.call_soon, loop.call_soon, self._late
            )

    def _late(self) -> None:
        self._timer = None
        self._move_unasked(late=True)

    def _move_unasked(self, *, late: bool = False) -> None:
        try:
            if late:
                # What the journals say is held is not in motion.
                self._keeper.fold()
            self.move(heard=late)
        except Exception as error:  # noqa: BLE001 - whatever it is, the books cannot be kept
            self._failed(error)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _rows(grants: dict[str, Grant]) -> dict[str, GrantRow]:
    return {window: GrantRow(*grant) for window, grant in grants.items()}


def _row(outcome: Outcome) -> OutcomeRow:
    return OutcomeRow(outcome.need, outcome.window, outcome.left_nanos, outcome.contended)
