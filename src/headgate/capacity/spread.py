"""How the places of a deployment are spread over the workers of a node; pure.

A worker uses only places that it was lent, and what is lent never exceeds what there is. Whoever
asks is lent what is free. When too little is, those that have more than an equal share of what all
want are told to keep less: they give back what no call of theirs holds at once, and the rest as
their calls end.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

CHUNKS: Final = 4
"""A worker is lent this fraction of an equal share beyond what it asks, while that is free."""


class Move(NamedTuple):
    """What a worker is told: so many places more, or to keep so many at the most."""

    worker: str
    more: int = 0
    keep: int | None = None


class Spread:
    """The places of one deployment.

    Attributes:
        places: How many there are.
        lent: By worker, what it may use.
        wanted: By worker, what it uses and has calls waiting for.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.lent: dict[str, int] = {}
        self.wanted: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        # By worker, when it was last lent to, in turns.
        self._turns: dict[str, int] = {}
        self._turn = 0

    def has(self, worker: str, lent: int) -> None:
        """A worker is met and says what it was lent before."""
        self.lent[worker] = lent
        self.wanted[worker] = max(1, lent)
        self._kept.pop(worker, None)

    def hear(self, worker: str, wanted: int, returned: int) -> None:
        """A worker says what it wants, and what it gives back."""
        assert 0 <= returned <= self.lent[worker]
        self.lent[worker] -= returned
        self.wanted[worker] = wanted
        if self.lent[worker] <= self._kept.get(worker, -1):
            del self._kept[worker]

    def forget_all_but(self, living: Collection[str]) -> None:
        """Take back what the dead had: their connections are closed."""
        for worker in [worker for worker in self.lent if worker not in living]:
            for kept in (self.lent, self.wanted, self._kept, self._turns):
                kept.pop(worker, None)

    def moves(self, connected: Collection[str]) -> list[Move]:
        """Lend what is free to those who want it, and recall what others have beyond their part.

        Args:
            connected: Workers that can be told; what others have stays with them.
        """
        lacking = [each for each in self.lent if each in connected and self._lacks(each)]
        free = self.places - sum(self.lent.values())
        if not lacking and free >= 0:
            return []
        fair = self._fair(connected)
        moves: list[Move] = []
        for worker in lacking:
            more = min(free, fair[worker] - self.lent[worker])
            if more > 0:
                free -= more
                moves.append(Move(worker, more=more + self._beyond(free, len(fair))))
                free -= moves[-1].more - more
                self.lent[worker] += moves[-1].more
                self._kept.pop(worker, None)
                self._turn += 1
                self._turns[worker] = self._turn
        if free < 0 or any(self._lacks(each) for each in lacking):
            moves += self._recalls(fair)
        return moves

    def _lacks(self, worker: str) -> bool:
        return self.wanted[worker] > self.lent[worker]

    def _beyond(self, free: int, workers: int) -> int:
        return min(free, self.places // (CHUNKS * workers))

    def _recalls(self, fair: dict[str, int]) -> list[Move]:
        moves = []
        for worker, part in fair.items():
            if self.lent[worker] > part and self._kept.get(worker) != part:
                self._kept[worker] = part
                moves.append(Move(worker, keep=part))
        return moves

    def _fair(self, connected: Collection[str]) -> dict[str, int]:
        """Return what each would have of the places: as much as it wants, up to an equal part."""
        left = self.places - sum(n for worker, n in self.lent.items() if worker not in connected)
        asking = [worker for worker in self.lent if worker in connected]
        most = left // len(asking) + 1 if asking else 0
        # Whoever wants less leaves the rest to those who want more. Of these, who has least now, or
        # had it longest ago, has the odd ones: with fewer places than workers, they take turns.
        asking.sort(
            key=lambda worker: (
                min(self.wanted[worker], most),
                -self.lent[worker],
                -self._turns.get(worker, 0),
            )
        )
        fair: dict[str, int] = {}
        for at, worker in enumerate(asking):
            fair[worker] = max(0, min(self.wanted[worker], left // (len(asking) - at)))
            left -= fair[worker]
        for worker in asking:
            # Whoever came later and wanted just its part left an odd one.
            more = max(0, min(self.wanted[worker] - fair[worker], left))
            fair[worker] += more
            left -= more
        return fair
