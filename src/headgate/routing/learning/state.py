"""What was learned as text, to be kept over a restart and told to workers.

It is JSON, sealed: whatever does not fit is refused whole, for a router that believes half of what
it learned is worse than one that begins from what it knew before.
"""

import msgspec
from msgspec import Struct

from headgate.routing.learning.drift import Detector
from headgate.routing.learning.learner import Learner
from headgate.routing.learning.outcomes import Cell, Outcomes
from headgate.routing.learning.tally import Tally
from headgate.routing.learning.votes import Agreement
from headgate.units.sealed import StateError, seal, unseal

LEARNER, OUTCOMES = "headgate-learner 3", "headgate-outcomes 1"
"""The formats and their versions; a release that means something else by one counts it up."""


class _Learner(Struct, array_like=True):
    seq: int
    half_life_ns: int
    anchor_ns: int
    order: tuple[str, ...]
    cells: list[tuple[str, int, str, Cell]]
    detectors: list[tuple[str, str, Detector]]
    agreements: dict[str, Agreement]


class _Outcomes(Struct, array_like=True):
    version: int
    models: dict[str, Cell]
    clusters: list[tuple[str, int, Cell]]


_learner = msgspec.json.Decoder(_Learner).decode
_outcomes = msgspec.json.Decoder(_Outcomes).decode


def learner_text(learner: Learner) -> str:
    """Return a learner as text."""
    tally = learner.tally
    cells = [(*key, cell) for key, cell in tally.cells.items()]
    detectors = [(*key, detector) for key, detector in learner.detectors.items()]
    state = _Learner(
        *(learner.seq, tally.half_life_ns, tally.anchor_ns, learner.order),
        *(cells, detectors, learner.agreements),
    )
    return seal(LEARNER, msgspec.json.encode(state).decode())


def read_learner(text: str) -> Learner:
    """Return the learner that a text is of.

    Raises:
        StateError: Of another version, or damaged.
    """
    try:
        state = _learner(unseal(LEARNER, text))
    except msgspec.DecodeError as error:
        raise StateError(f"it does not say what this release reads: {error}") from error
    cells = {(model, cluster, source): cell for model, cluster, source, cell in state.cells}
    detectors = {(name, source): each for name, source, each in state.detectors}
    tally = Tally(state.half_life_ns, state.anchor_ns, cells)
    return Learner(tally, state.order, state.seq, detectors, state.agreements)


def outcomes_text(outcomes: Outcomes) -> str:
    """Return outcomes as text."""
    clusters = [(*key, cell) for key, cell in outcomes.clusters.items()]
    state = _Outcomes(outcomes.version, dict(outcomes.models), clusters)
    return seal(OUTCOMES, msgspec.json.encode(state).decode())


def read_outcomes(text: str) -> Outcomes:
    """Return the outcomes that a text is of.

    Raises:
        StateError: Of another version, or damaged.
    """
    try:
        state = _outcomes(unseal(OUTCOMES, text))
    except msgspec.DecodeError as error:
        raise StateError(f"they do not say what this release reads: {error}") from error
    clusters = {(model, cluster): cell for model, cluster, cell in state.clusters}
    return Outcomes(state.version, state.models, clusters)
