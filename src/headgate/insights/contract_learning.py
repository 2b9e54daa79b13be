"""What `--json` prints of what was learned from votes."""

from headgate.insights.printed import Instant, Printed


class VoteView(Printed, frozen=True, kw_only=True):
    """What became of a vote: `feedback --json`; `kept` is `new`, `same` or `changed`.

    `source` and `score` are null where one call was preferred over another.
    """

    kept: str
    model: str
    deployment: str
    source: str | None
    score: float | None


class StandingView(Printed, frozen=True, kw_only=True):
    """What votes say of a model; shares within 0 and 1, `low` and `high` ends of 95 %.

    `n` is how many votes it rests on, faded and weighed; `probes` how many more until the model
    is trusted.
    """

    model: str
    n: float
    rate: float
    low: float
    high: float
    probes: int


class VoteSourceView(Printed, frozen=True, kw_only=True):
    """A source of votes: how often it is taken to be right, and in how many calls that was seen."""

    source: str
    reliability: float
    compared: int


class WorseView(Printed, frozen=True, kw_only=True):
    """A deployment that answers worse than it did, as a source sees it."""

    deployment: str
    model: str
    source: str
    since: Instant
    votes: int
    usual: float
    now: float


class ModelsView(Printed, frozen=True, kw_only=True):
    """What was learned: `routing models --json`; models by name."""

    models: list[StandingView]
    sources: list[VoteSourceView]
    worse: list[WorseView]


class RatingView(Printed, frozen=True, kw_only=True):
    """How a model does where two were compared: `routing arena --json` prints a list."""

    model: str
    rating: float
    low: float
    high: float
    games: int
    wins: int


class IntervalView(Printed, frozen=True, kw_only=True):
    """A mean score with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class PolicyCheckView(Printed, frozen=True, kw_only=True):
    """What past calls say of a policy: `routing check-policy --json`.

    `snips` and `doubly_robust` are null where it would have done nothing that was done; `thin`
    says that neither is to be trusted.
    """

    policy: str
    calls: int
    agreed: int
    effective: float
    logged: IntervalView
    snips: IntervalView | None
    doubly_robust: IntervalView | None
    thin: bool


class LearningMarkView(Printed, frozen=True, kw_only=True):
    """How well texts are told apart after so many votes: `routing eval-learning --json`, a list.

    `apgr`, `cpt50` and `cpt80` are null where there is no such figure.
    """

    votes: int
    apgr: float | None
    cpt50: float | None
    cpt80: float | None
