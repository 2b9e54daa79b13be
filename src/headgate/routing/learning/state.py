"""What was learned as text, to be kept over a restart and told to workers.

The first line names format, version and the SHA-256 of the second, which is JSON. Whatever does
not fit is refused whole: a router that believes half of what it learned is worse than one that
begins from what it knew before.
"""

import hashlib

import msgspec
from msgspec import Struct

from headgate.routing.learning.drift import Detector
from headgate.routing.learning.learner import Learner
from headgate.routing.learning.outcomes import Cell, Outcomes
from headgate.routing.learning.tally import Tally
from headgate.routing.learning.votes import Agreement

LEARNER, OUTCOMES = "headgate-learner 1", "headgate-outcomes 1"
"""The formats and their versions; a release that means something else by one counts it up."""


class StateError(Exception):
    """What was learned cannot be used: another version, or damaged."""


class _Learner(Struct, array_like=True):
    seq: int
    half_life_ns: int
    anchor_ns: int
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
        *(learner.seq, tally.half_life_ns, tally.anchor_ns),
        *(cells, detectors, learner.agreements),
    )
    return _sealed(LEARNER, msgspec.json.encode(state).decode())


def read_learner(text: str) -> Learner:
    """Return the learner that a text is of.

    Raises:
        StateError: Of another version, or damaged.
    """
    try:
        state = _learner(_opened(LEARNER, text))
    except msgspec.DecodeError as error:
        raise StateError(f"it does not say what this release reads: {error}") from error
    cells = {(model, cluster, source): cell for model, cluster, source, cell in state.cells}
    detectors = {(name, source): each for name, source, each in state.detectors}
    tally = Tally(state.half_life_ns, state.anchor_ns, cells)
    return Learner(tally, state.seq, detectors, state.agreements)


def outcomes_text(outcomes: Outcomes) -> str:
    """Return outcomes as text."""
    clusters = [(*key, cell) for key, cell in outcomes.clusters.items()]
    state = _Outcomes(outcomes.version, dict(outcomes.models), clusters)
    return _sealed(OUTCOMES, msgspec.json.encode(state).decode())


def read_outcomes(text: str) -> Outcomes:
    """Return the outcomes that a text is of.

    Raises:
        StateError: Of another version, or damaged.
    """
    try:
        state = _outcomes(_opened(OUTCOMES, text))
    except msgspec.DecodeError as error:
        raise StateError(f"they do not say what this release reads: {error}") from error
    clusters = {(model, cluster): cell for model, cluster, cell in state.clusters}
    return Outcomes(state.version, state.models, clusters)


def _sealed(form: str, body: str) -> str:
    return f"{form} {hashlib.sha256(body.encode()).hexdigest()}\n{body}\n"


def _opened(form: str, text: str) -> str:
    head, _, body = text.partition("\n")
    body = body.removesuffix("\n")
    named, _, digest = head.rpartition(" ")
    if named != form:
        raise StateError(f"it is {named[:64]!r}, and this release reads {form!r}")
    if digest != hashlib.sha256(body.encode(errors="surrogateescape")).hexdigest():
        raise StateError("it is damaged: its checksum is another")
    return body
