"""Noticing that a deployment fails more often, or takes longer, than it did; pure.

Each attempt is a vote on itself: whether it was served, and whether it came as soon as usual. So
the same test finds the drop that finds one in the quality of answers (`routing.learning.drift`).
What is usual is a time that nine in ten of the first attempts did not exceed, and half of it again:
somewhat slower is no news. Whatever has not come in three times as long as the longest of the last
attempts took hangs, which is a failure though it has not ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from headgate.routing.learning.drift import BASELINE_MIN, Detector
from headgate.routing.learning.learner import DETECTORS_MAX, Drift

FAILURES, LATENCY, PACE = "failures", "latency", "pace"
"""What is watched: how attempts end, when streams begin, how long a whole reply's tokens take."""

Key = TypeVar("Key")

USUAL_PERCENT = 90
ROOM_PERCENT = 150
HANGS_TIMES = 3


class Seen(NamedTuple):
    """What an attempt shows.

    Attributes:
        served: Whether it was served; False when it failed for a reason that lies with the
            deployment, or hangs; None when that says nothing, or was said before.
        first_us: When its stream began, None for one that is not streamed or was not served.
        token_us: What a token of its whole reply took, None likewise or when it had too few.
        took_us: What all of it took, None if it was not served.
        waited_us: How long its client waited for a first byte and left without one, None if not.
        streams: Whether it was to be streamed.
    """

    deployment: str
    model: str
    served: bool | None
    first_us: int | None = None
    token_us: int | None = None
    took_us: int | None = None
    waited_us: int | None = None
    streams: bool = False


@dataclass(slots=True)
class Timed:
    """What is remembered of how long a deployment takes.

    Attributes:
        first: What the first attempts took, until there are enough of them.
        limit: What counts as soon as usual; 0 until it is known.
    """

    detector: Detector = field(default_factory=Detector)
    first: list[int] = field(default_factory=list)
    limit: int = 0

    def hear(self, took: int) -> bool:
        """Take what an attempt took; True when the deployment has become slower."""
        if self.limit:
            return self.detector.hear(float(took <= self.limit), 0.0)
        self.first.append(took)
        if len(self.first) == BASELINE_MIN:
            usual = sorted(self.first)[BASELINE_MIN * USUAL_PERCENT // 100 - 1]
            self.limit = max(1, usual * ROOM_PERCENT // 100)
            for each in self.first:
                self.detector.hear(float(each <= self.limit), 0.0)
            self.first = []
        return False


@dataclass(slots=True)
class Longest:
    """How long served attempts of a deployment take at most.

    Attributes:
        n: How many were heard since `known_us` was.
        so_far_us: The longest of these.
        known_us: The longest of the `BASELINE_MIN` before these; None until there were so many.
    """

    n: int = 0
    so_far_us: int = 0
    known_us: int | None = None

    def hear(self, took_us: int) -> None:
        """Take what an attempt took."""
        self.n += 1
        self.so_far_us = max(self.so_far_us, took_us)
        if self.n == BASELINE_MIN:
            self.n, self.so_far_us, self.known_us = 0, 0, self.so_far_us


class Watch:
    """What is known of deployments by their attempts, one after another."""

    def __init__(self) -> None:
        self._failing: dict[str, Detector] = {}
        self._timed: dict[tuple[str, str], Timed] = {}
        self._longest: dict[str, Longest] = {}

    def hangs(self, deployment: str, waited_us: int) -> bool:
        """Tell whether an attempt that was waited for so long hangs; False while nothing is usual.

        What is known of a deployment changes with time, and the answer with it.
        """
        longest = self._longest.get(deployment)
        if longest is None or longest.known_us is None:
            return False
        return waited_us > HANGS_TIMES * max(longest.known_us, longest.so_far_us)

    def hear(self, seen: Seen) -> list[Drift]:
        """Learn from an attempt; returns what it shows to have become worse.

        One that was left without a first byte says something only if it was waited for too long.
        """
        if seen.waited_us is not None:
            seen = self._given_up(seen, seen.waited_us)
        if seen.took_us is not None and self._knows(self._longest, seen.deployment):
            self._longest.setdefault(seen.deployment, Longest()).hear(seen.took_us)
        found = [self._failed(seen)] if self._knows(self._failing, seen.deployment) else []
        for source, took in ((LATENCY, seen.first_us), (PACE, seen.token_us)):
            key = (seen.deployment, source)
            if took is not None and self._knows(self._timed, key):
                found.append(self._took(key, seen.model, took))
        return [each for each in found if each is not None]

    def settled(self) -> set[tuple[str, str]]:
        """Return the deployments, each with what is watched, of which it is known what is usual."""
        found = {(name, FAILURES) for name, each in self._failing.items() if each.is_settled}
        return found | {key for key, each in self._timed.items() if each.detector.is_settled}

    def _knows(self, known: Mapping[Key, object], key: Key) -> bool:
        """Tell whether something is remembered, or may be."""
        return key in known or len(known) < DETECTORS_MAX

    def _given_up(self, seen: Seen, waited_us: int) -> Seen:
        if self.hangs(seen.deployment, waited_us):
            seen = seen._replace(served=False)
        timed = self._timed.get((seen.deployment, LATENCY))
        is_late = seen.streams and timed is not None and 0 < timed.limit < waited_us
        return seen._replace(first_us=waited_us) if is_late else seen

    def _failed(self, seen: Seen) -> Drift | None:
        if seen.served is None:
            return None
        detector = self._failing.setdefault(seen.deployment, Detector())
        if not detector.hear(float(seen.served), 0.0):
            return None
        self._failing[seen.deployment] = detector.anew()
        return _drift(seen.deployment, seen.model, FAILURES, detector)

    def _took(self, key: tuple[str, str], model: str, took: int) -> Drift | None:
        timed = self._timed.setdefault(key, Timed())
        if not timed.hear(took):
            return None
        self._timed[key] = Timed()
        return _drift(key[0], model, key[1], timed.detector)


def _drift(deployment: str, model: str, source: str, detector: Detector) -> Drift:
    usual, now = detector.above / detector.n, detector.pending_above / detector.pending_n
    return Drift(deployment, model, source, detector.pending_n, usual, now)
