"""Counting votes so that old ones fade, late ones count where they belong, and any can be undone.

Weights are kept as they stood at one instant, the anchor: a vote on a call made half-lives after it
counts that much more, and reading divides by how long ago the anchor is. So the order in which
votes come does not matter, and a vote that is taken back leaves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from headgate.routing.learning.outcomes import EMPTY, UNPLACED, WHOLE, Cell, Outcomes
from headgate.routing.learning.votes import Vote

ANCHOR_HALF_LIVES_MAX = 30
"""After so many half-lives the anchor moves, before weights grow out of bounds."""

CELLS_MAX = 8_192
N_MIN = 0.01
"""What counts for less is dropped when the anchor moves."""

Named = TypeVar("Named")
Key = tuple[str, int, str]
"""Model, cluster (`WHOLE` for all), source."""


@dataclass(slots=True)
class Tally:
    """Votes by model, cluster and source.

    Attributes:
        half_life_ns: After so long a vote counts half.
        anchor_ns: The instant as of which the cells stand.
        cells: Sums as the sources said them, not yet weighed.
        cells_max: So many are kept.
    """

    half_life_ns: int
    anchor_ns: int
    cells: dict[Key, Cell] = field(default_factory=dict)
    cells_max: int = CELLS_MAX

    def add(self, vote: Vote, times: float = 1.0) -> None:
        """Count a vote; `times` -1 takes it back."""
        if vote.call_ns - self.anchor_ns > ANCHOR_HALF_LIVES_MAX * self.half_life_ns:
            self.move_anchor(vote.call_ns)
        weight = times * self._weight(vote.call_ns - self.anchor_ns)
        self._put((vote.model, WHOLE, vote.source), vote, weight)
        for cluster, share in vote.shares or ((UNPLACED, 1.0),):
            self._put((vote.model, cluster, vote.source), vote, weight * share)

    def _put(self, key: Key, vote: Vote, weight: float) -> None:
        before = self.cells.get(key)
        if before is None:
            if weight <= 0:
                return
            if len(self.cells) >= self.cells_max:
                self._make_room()
            before = EMPTY
        expected, blind = (0.0, 1.0) if vote.expected is None else (vote.expected, 0.0)
        added = Cell(1.0, vote.score, expected, blind).times(weight)
        self.cells[key] = _bounded(before.plus(added))

    def _make_room(self) -> None:
        """Drop the cell that counts for least; what is known of a model as a whole is kept."""
        weakest = min(self.cells, key=lambda key: (key[1] == WHOLE, self.cells[key].n))
        del self.cells[weakest]

    def _weight(self, age_ns: int) -> float:
        return float(2.0 ** (age_ns / self.half_life_ns))

    def move_anchor(self, to_ns: int) -> None:
        """Have the cells stand as of another instant; what has faded away is dropped."""
        by = self._weight(self.anchor_ns - to_ns)
        faded = {key: cell.times(by) for key, cell in self.cells.items()}
        self.cells = {key: cell for key, cell in faded.items() if cell.n >= N_MIN}
        self.anchor_ns = to_ns

    def forget(self, model: str, kept: float) -> None:
        """Have all that was told of a model so far count only this share of what it did."""
        for key, cell in self.cells.items():
            if key[0] == model:
                self.cells[key] = cell.times(kept)

    def outcomes(self, now_ns: int, reliability: Mapping[str, float], version: int) -> Outcomes:
        """Return what the votes come to now.

        A source that is right with chance r says good of r p + (1 - r)(1 - p) of the calls, if p
        of them are good. Solved for p, each of its votes weighs (2 r - 1)², the precision that
        is left: a source that guesses weighs nothing.
        """
        fade = self._weight(self.anchor_ns - now_ns)
        models: dict[str, Cell] = {}
        clusters: dict[tuple[str, int], Cell] = {}
        for (model, cluster, source), cell in sorted(self.cells.items()):
            edge = 2 * reliability[source] - 1
            weighed = cell.times(fade * edge * edge)
            good = fade * edge * (cell.good - (1 - reliability[source]) * cell.n)
            weighed = weighed._replace(good=good)
            if cluster == WHOLE:
                models[model] = models.get(model, EMPTY).plus(weighed)
            else:
                both = clusters.get((model, cluster), EMPTY)
                clusters[model, cluster] = both.plus(weighed)
        return Outcomes(version, _sensible(models), _sensible(clusters))


def _sensible(cells: dict[Named, Cell]) -> dict[Named, Cell]:
    """Keep what was corrected for noise within what is possible."""
    return {key: _bounded(cell) for key, cell in cells.items() if cell.n > 0}


def _bounded(cell: Cell) -> Cell:
    n = max(0.0, cell.n)
    good, expected, blind = (min(max(0.0, each), n) for each in cell[1:])
    return Cell(n, good, expected, blind)
