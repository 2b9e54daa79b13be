"""The steward's part of the places at deployments: which worker may use how many of each."""

from collections.abc import Callable, Collection, Iterable

from headgate.capacity.spread import Spread
from headgate.node.messages import HasPlaces, Message, MovePlaces, WantPlaces

PlaceMessage = HasPlaces | WantPlaces


class Spreading:
    """Spreads the places of every deployment over the workers.

    Args:
        places: How many a deployment has now, by its id; None for one that is configured no more:
            it keeps what it had, for the workers that finish their calls there.
        living: The journals of workers that live, connected or not.
        connected: Those that can be told.
        tell: Sends a message to a worker.
    """

    def __init__(
        self,
        places: Callable[[str], int | None],
        living: Callable[[], Collection[str]],
        connected: Collection[str],
        tell: Callable[[str, Message], None],
    ) -> None:
        self._places = places
        self._living = living
        self._connected = connected
        self._tell = tell
        self._met: set[str] = set()
        self._spreads: dict[str, Spread] = {}

    def hear(self, message: PlaceMessage, journal: str) -> None:
        """Take in what a worker has or wants, and move places for it."""
        if isinstance(message, HasPlaces):
            self._met.add(journal)
            for name, lent in message.lent.items():
                self._spread(name).has(journal, lent)
            # Whoever waited for this one to be met is served as well.
            self._move(list(self._spreads))
            return
        for row in message.rows:
            self._spread(row.deployment).hear(journal, row.wanted, row.returned)
        self._move([row.deployment for row in message.rows])

    def look(self) -> None:
        """Take back what the dead had, and go by the configuration as it is now."""
        living = self._living()
        gone = not self._met <= {*living}
        self._met &= {*living}
        for name, spread in self._spreads.items():
            if gone:
                spread.forget_all_but(living)
            now = self._places(name)
            spread.places = spread.places if now is None else now
        self._move(list(self._spreads))

    def _spread(self, name: str) -> Spread:
        if name not in self._spreads:
            self._spreads[name] = Spread(self._places(name) or 0)
        return self._spreads[name]

    def _move(self, names: Iterable[str]) -> None:
        if not self._met >= {*self._living()}:
            # One that lives has not said yet what it has: nothing is lent twice.
            return
        connected = [each for each in self._connected if each in self._met]
        for name in names:
            for move in self._spreads[name].moves(connected):
                self._tell(move.worker, MovePlaces(name, move.more, move.keep))
