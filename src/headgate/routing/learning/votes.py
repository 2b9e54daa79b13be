"""Votes: what somebody said of a call, and how far each kind of source is believed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

Source = Literal["user", "tests", "schema", "judge", "command"]
SOURCES: tuple[Source, ...] = get_args(Source)

RELIABILITY: Mapping[str, float] = MappingProxyType(
    {"tests": 0.95, "command": 0.95, "schema": 0.9, "judge": 0.8, "user": 0.75}
)
"""How often a source says what is so, before anything is known of it here."""

RELIABILITY_MIN, RELIABILITY_MAX = 0.5, 0.99
"""Below the first a source says nothing; nobody is believed beyond the second."""

CLUSTER = "cluster."
"""Inputs of a decision that begin so name a cluster of the text; the value is its share in ppm."""

PRIOR_VOTES = 20.0
"""What is configured of a source counts as much as so many calls that another source judged."""


class Vote(NamedTuple):
    """What was said of a call, with what is needed of the call to learn from it.

    Attributes:
        seq: Rising with the time at which votes were kept.
        call_ns: When the call was made; however late the vote comes, it is about then.
        model: Whose answer it is about.
        score: Within 0 and 1.
        expected: What was expected of that model, None where nothing was.
        shares: The clusters of the text with its shares of them; empty where nobody knows.
        beside: What other sources say of the same call, as (source, score).
    """

    seq: int
    call_ns: int
    deployment: str
    model: str
    source: str
    score: float
    expected: float | None = None
    shares: tuple[tuple[int, float], ...] = ()
    beside: tuple[tuple[str, float], ...] = ()


class Agreement(NamedTuple):
    """How often a source said what a more reliable one said of the same calls.

    Attributes:
        n: Calls that both judged.
        agreed: Those in which they fall on the same side of a half.
        anchor: The sum of the others' reliability.
    """

    n: float = 0.0
    agreed: float = 0.0
    anchor: float = 0.0


def reliability_of(prior: float, found: Agreement) -> float:
    """Return how often a source is right, from what was configured and from what was found.

    Two sources that err independently agree in r a + (1 - r)(1 - a) of the calls, where r and a
    are how often each is right; solved for r. Scored calls count beside `PRIOR_VOTES`.
    """
    learned = prior
    if found.n > 0:
        a = found.anchor / found.n
        learned = (found.agreed / found.n - (1 - a)) / (2 * a - 1)
    weighed = (PRIOR_VOTES * prior + found.n * learned) / (PRIOR_VOTES + found.n)
    return min(max(weighed, RELIABILITY_MIN), RELIABILITY_MAX)


def compared(vote: Vote, trusted: Mapping[str, float]) -> tuple[float, bool] | None:
    """Return whom a vote is measured by: the reliability of the best other source, and whether
    they agree; None when no other source is believed more.
    """
    others = [(trusted[source], score) for source, score in vote.beside if source != vote.source]
    best = max(others, default=None)
    if best is None or best[0] <= trusted[vote.source]:
        return None
    return best[0], (best[1] >= 0.5) == (vote.score >= 0.5)
