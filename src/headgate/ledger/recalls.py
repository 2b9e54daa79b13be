"""What lies idle at workers, as far as is known: who was asked for it, and who has said; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headgate.ledger.book import Lease, LeaseBook

TAKES_MS = 300
"""So long what was lent to a call may not be seen as held: it is on its way, or not yet folded."""


class Recall(NamedTuple):
    """Asks a worker for what lies idle in windows; it answers with the number."""

    journal: str
    number: int
    windows: tuple[str, ...]


class Recalls:
    """Recalls of idle money, and the answers to them.

    Args:
        book: What is lent.

    Attributes:
        number: That of the last recall, or of what stands for one.
        connected: The journals of workers that can be asked.
    """

    def __init__(self, book: LeaseBook) -> None:
        self._book = book
        self.number = 0
        self.connected: set[str] = set()
        self._sent: dict[tuple[str, str], int] = {}
        self._answered: dict[tuple[str, str], int] = {}
        self._taken: Counter[tuple[str, str]] = Counter()
        self._taken_until_ms: dict[tuple[str, str], int] = {}

    def part(self, journal: str) -> None:
        """Forget a worker."""
        self.connected.discard(journal)
        for kept in (self._sent, self._answered, self._taken, self._taken_until_ms):
            for pair in [pair for pair in kept if pair[0] == journal]:
                del kept[pair]

    def forget(self, journal: str, window: str) -> None:
        """A worker's lease of a window has ended."""
        for kept in (self._sent, self._answered, self._taken, self._taken_until_ms):
            kept.pop((journal, window), None)

    def forget_answers(self) -> None:
        """Nobody waits: what was answered matters no more."""
        self._answered.clear()

    def says_all(self, journal: str, window: str) -> None:
        """A worker has given back what lies idle of a window, though nobody has asked."""
        self._answered[journal, window] = self.number

    def answers(self, journal: str, recall: int) -> None:
        """A worker has answered a recall."""
        for pair in [pair for pair, number in self._sent.items() if number == recall]:
            if pair[0] == journal:
                del self._sent[pair]
                self._answered[pair] = recall

    def awaits(self, windows: Sequence[str], journal: str) -> bool:
        """Tell whether others than a worker have yet to say what lies idle of windows."""
        return any(who != journal and window in windows for who, window in self._sent)

    def send(self, since: Iterable[tuple[str, int]]) -> list[Recall]:
        """Return who is to be asked, by window and the number that an answer has to be behind."""
        lacking: dict[str, list[str]] = {}
        for window, after in since:
            for journal, lease in self._leases(window):
                asked = (journal, window) in self._sent or not self.is_silent(
                    journal, window, after
                )
                idle = lease.granted_nanos > lease.posted_nanos
                if journal in self.connected and idle and not asked:
                    lacking.setdefault(journal, []).append(window)
        recalls = []
        for journal, windows in lacking.items():
            self.number += 1
            recalls.append(Recall(journal, self.number, tuple(windows)))
            self._sent.update(dict.fromkeys(((journal, each) for each in windows), self.number))
        return recalls

    def takes(self, journal: str, window: str, amount_nanos: int, now_ms: int) -> None:
        """Note that a call has been lent money, which it is about to hold."""
        pair = (journal, window)
        if now_ms >= self._taken_until_ms.get(pair, 0):
            self._taken[pair] = 0
        self._taken[pair] += amount_nanos
        self._taken_until_ms[pair] = now_ms + TAKES_MS

    def holds(self, journal: str, window: str, amount_nanos: int) -> None:
        """Note what a worker has held since it was last looked at: so much less is on its way."""
        pair = (journal, window)
        if pair in self._taken:
            self._taken[pair] = max(0, self._taken[pair] - amount_nanos)

    def is_silent(self, journal: str, window: str, after: int) -> bool:
        """Tell whether a worker has not said since a number that all its money is in use."""
        return self._answered.get((journal, window), 0) <= after

    def away(self, window: str, after: int) -> tuple[int, bool]:
        """Return what may come back at the most, and whether a worker is asked for some."""
        away, asked = 0, False
        for journal, lease in self._leases(window):
            spare = lease.granted_nanos - lease.posted_nanos
            if spare > 0 and self.is_silent(journal, window, after):
                connected = journal in self.connected
                # A worker may have ended holds that are not folded; a dead one has not.
                away += spare if connected else max(0, spare - lease.held_nanos)
                asked = asked or connected
        return away, asked

    def in_motion(self, window: str, after: int, now_ms: int) -> int:
        """Return what lies idle where nobody has answered, as far as is folded and was lent."""
        idle = 0
        for journal, lease in self._leases(window):
            if self.is_silent(journal, window, after):
                late = now_ms >= self._taken_until_ms.get((journal, window), 0)
                taken = 0 if late else self._taken[journal, window]
                spare = lease.granted_nanos - lease.posted_nanos - lease.held_nanos
                idle += max(0, spare - taken)
        return idle

    def unanswered(self, window: str) -> int:
        """Return what lies idle where it was asked for, and nobody has answered yet."""
        return sum(
            max(0, lease.granted_nanos - lease.posted_nanos - lease.held_nanos)
            for journal, lease in self._leases(window)
            if (journal, window) in self._sent
        )

    def _leases(self, window: str) -> Iterable[tuple[str, Lease]]:
        account = self._book.windows.get(window)
        return () if account is None else account.leases.items()
