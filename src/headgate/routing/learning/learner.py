"""Learning from votes, one after another: the same votes in the same order teach the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.routing.learning.drift import Detector
from headgate.routing.learning.outcomes import Outcomes
from headgate.routing.learning.settings import Learning
from headgate.routing.learning.tally import Tally
from headgate.routing.learning.votes import Agreement, Vote, compared, reliability_of

DETECTORS_MAX = 4_096
KEPT_AFTER_DRIFT = 0.1
"""What was told of a model before it was found to be worse counts so much afterwards."""


class Drift(NamedTuple):
    """A deployment was found to be worse than it was.

    Attributes:
        source: Who saw it.
        votes: Over how many votes, the last ones.
        usual: The share of good ones before.
        now: The share in these.
    """

    deployment: str
    model: str
    source: str
    votes: int
    usual: float
    now: float


@dataclass(slots=True)
class Learner:
    """All that was learned, and up to which vote.

    Attributes:
        seq: Of the last vote that was heard; 0 before the first.
        tally: Votes by model and cluster.
        order: The sources, from the one that is believed least: by it is told which vote of several
            was counted. Under another order it would be another one, so all has to be learned anew.
        detectors: By deployment and source.
        agreements: By source.
    """

    tally: Tally
    order: tuple[str, ...]
    seq: int = 0
    detectors: dict[tuple[str, str], Detector] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)

    def hear(
        self,
        vote: Vote,
        replaced: Vote | None,
        settings: Learning,
        others: tuple[Vote, ...] = (),
    ) -> Drift | None:
        """Learn from a vote; returns the drift that it completes, None for none.

        Whatever several sources say of one thing, it counts once: by the one that is believed most.

        Args:
            vote: The next one, by its number.
            replaced: What the same voter said before, which is undone; None for a first word.
            settings: How votes are believed.
            others: What the voter said of the same thing before by other sources.
        """
        self.seq = vote.seq
        counted = max(others, key=self._rank, default=None)
        if counted is None or self._rank(vote) > self._rank(counted):
            before = counted if replaced is None else replaced
            if before is not None:
                self.tally.add(before, -1.0)
            self.tally.add(vote)
        if replaced is not None:
            # A changed mind is no new observation of the deployment, nor of its source.
            return None
        self._compare(vote, settings)
        return self._watch(vote)

    def fits(self, settings: Learning) -> bool:
        """Tell whether it may go on by these settings."""
        return (self.tally.half_life_ns, self.order) == (settings.half_life_ns, settings.order)

    def _rank(self, vote: Vote) -> int:
        return self.order.index(vote.source)

    def _compare(self, vote: Vote, settings: Learning) -> None:
        found = compared(vote, self.reliability(settings))
        if found is not None:
            anchor, agrees = found
            before = self.agreements.get(vote.source, Agreement())
            self.agreements[vote.source] = Agreement(
                before.n + 1, before.agreed + agrees, before.anchor + anchor
            )

    def _watch(self, vote: Vote) -> Drift | None:
        key = (vote.deployment, vote.source)
        detector = self.detectors.get(key)
        if detector is None:
            if len(self.detectors) >= DETECTORS_MAX:
                return None
            detector = self.detectors[key] = Detector()
        expected = vote.expected or 0.0
        if not detector.hear(vote.score, expected):
            return None
        self.detectors[key] = detector.anew()
        self.tally.forget(vote.model, KEPT_AFTER_DRIFT)
        usual = expected + detector.above / detector.n
        now = expected + detector.pending_above / detector.pending_n
        return Drift(*key[:1], vote.model, vote.source, detector.pending_n, usual, now)

    def reliability(self, settings: Learning) -> Mapping[str, float]:
        """Return how far each source is believed now."""
        return {
            source: reliability_of(prior, self.agreements.get(source, Agreement()))
            for source, prior in settings.reliability.items()
        }

    def outcomes(self, now_ns: int, settings: Learning) -> Outcomes:
        """Return what it comes to now; its version is the number of the last vote."""
        return self.tally.outcomes(now_ns, self.reliability(settings), self.seq)
