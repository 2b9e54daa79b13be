"""A worker's part of the places at deployments: it uses what the steward has lent it of each."""

from collections.abc import Callable, Iterable, Mapping

from headgate.capacity.places import Places
from headgate.node.messages import HasPlaces, MovePlaces, WantPlaces
from headgate.node.rows import WantedRow


class Placing:
    """Tells the steward what places are wanted, and takes up what it moves.

    Args:
        places: Of each deployment, by its id.
        say: Sends a message to the steward; False while there is none.
        call_soon: The event loop's: many calls of one turn of it ask once.
        now_ms: Coarse monotonic time.
    """

    def __init__(
        self,
        places: Mapping[str, Places],
        say: Callable[[HasPlaces | WantPlaces], bool],
        call_soon: Callable[[Callable[[], None]], object],
        now_ms: Callable[[], int],
    ) -> None:
        self._places = places
        self._say = say
        self._call_soon = call_soon
        self._now_ms = now_ms
        self._told: dict[str, int] = {}
        self._changed: set[str] = set()
        for name, each in places.items():
            each.borrow(self._noter(name))

    def _noter(self, name: str) -> Callable[[], None]:
        def note() -> None:
            if not self._changed:
                self._call_soon(self._tell_changed)
            self._changed.add(name)

        return note

    def met(self) -> None:
        """Tell a steward that knows nothing yet."""
        self._told.clear()
        self._say(HasPlaces({name: each.lent for name, each in self._places.items()}))

    def moved(self, message: MovePlaces) -> None:
        """Take up what the steward says."""
        places = self._places.get(message.deployment)
        if places is None:
            return
        if message.more:
            places.lend(message.more, self._now_ms())
        if message.keep is not None:
            places.keep(message.keep)
            self._tell((message.deployment,))

    def sweep(self) -> None:
        """Tell what changed since the steward was last told."""
        self._tell([name for name in self._places if self._is_news(name)])

    def _is_news(self, name: str) -> bool:
        return self._told.get(name) != self._places[name].wanted

    def _tell_changed(self) -> None:
        changed, self._changed = self._changed, set()
        self._tell(changed)

    def _tell(self, names: Iterable[str]) -> None:
        rows = []
        for name in names:
            places = self._places[name]
            returned = places.surplus()
            if returned or self._is_news(name):
                self._told[name] = places.wanted
                rows.append(WantedRow(name, places.wanted, returned))
        if rows:
            # Unheard, it is told anew to the next steward.
            self._say(WantPlaces(tuple(rows)))
