"""What workers have told of their deployments: who is passed over, and who waits for a place."""

from collections import Counter
from collections.abc import Callable, Collection

from headgate.insights.routes import PassedOver, Queued
from headgate.node.messages import AskHealth, Crowd, Health, Heed, Message, Unwell
from headgate.node.rows import QueuedRow, UnwellRow


def _nobody(_worker: str, _message: Message) -> None:
    """Tell nobody."""


class Told:
    """The latest word of each worker, by the name of its journal.

    Args:
        workers: Those that can be told.
        tell: Sends a message to one of them.
    """

    def __init__(
        self, workers: Collection[str] = (), tell: Callable[[str, Message], None] = _nobody
    ) -> None:
        self._workers = workers
        self._tell = tell
        self._unwell: dict[str, tuple[UnwellRow, ...]] = {}
        self._crowd: dict[str, tuple[QueuedRow, ...]] = {}

    def answer(self, journal: str, message: Unwell | Crowd | AskHealth) -> Health | None:
        """Take what a worker says, or say what all have said; returns what is answered, if any."""
        if isinstance(message, AskHealth):
            return self.health()
        self.hear(journal, message)
        return None

    def hear(self, journal: str, message: Unwell | Crowd) -> None:
        """Take what a worker says in place of what it said before; tell the others what is new."""
        if isinstance(message, Unwell):
            before = self._unwell.get(journal, ())
            self._unwell[journal] = message.deployments
            news = tuple(row for row in message.deployments if row not in before)
            for each in self._workers if news else ():
                if each != journal:
                    self._tell(each, Heed(news))
        else:
            self._crowd[journal] = message.queued

    def forget(self, journal: str) -> None:
        """A worker is gone."""
        self._unwell.pop(journal, None)
        self._crowd.pop(journal, None)

    def health(self) -> Health:
        """Return it as the command line asks for it."""
        return Health(self._latest(), self._sums())

    def passed_over(self) -> dict[str, PassedOver]:
        """Return whom any worker passes over, by deployment, each at its latest time."""
        return {row.deployment: PassedOver(row.rule, row.until_ns) for row in self._latest()}

    def queued(self) -> tuple[Queued, ...]:
        """Return who waits for a place, all workers together."""
        return tuple(read_queued(row) for row in self._sums())

    def _latest(self) -> tuple[UnwellRow, ...]:
        rows: dict[str, UnwellRow] = {}
        for row in sorted(
            (row for told in tuple(self._unwell.values()) for row in told),
            key=lambda row: row.until_ns,
        ):
            rows[row.deployment] = row
        return tuple(rows.values())

    def _sums(self) -> tuple[QueuedRow, ...]:
        running: Counter[tuple[str, str, str, int]] = Counter()
        waiting: Counter[tuple[str, str, str, int]] = Counter()
        for row in (row for told in tuple(self._crowd.values()) for row in told):
            who = (row.deployment, row.priority, row.team, row.share)
            running[who] += row.running
            waiting[who] += row.waiting
        return tuple(QueuedRow(*who, running[who], waiting[who]) for who in running)


def read_queued(row: QueuedRow) -> Queued:
    """Return a row of a message as routes are shown with it."""
    return Queued(row.deployment, row.priority, row.team, row.share, row.running, row.waiting)
