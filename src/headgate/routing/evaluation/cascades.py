"""Policies for whole tasks: cascades that verify and escalate, and step caps without a verifier."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from headgate.routing.evaluation.evidence import Evidence
from headgate.routing.quality.sparse import Floats

CHAIN_MAX = 4
CAPS_TRIED = 12


class Expected(NamedTuple):
    """What a policy is expected to make of each task: scores, and costs of all that was tried."""

    scores: Floats
    costs: Floats


class TaskPolicy(Protocol):
    """A way to do tasks that can be replayed on evidence."""

    def expected(self, evidence: Evidence) -> Expected:
        """Return the exact expectation for each task; nothing is drawn."""
        ...

    def told(self, models: tuple[str, ...]) -> str:
        """Return the policy in words."""
        ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """What looks at a finished task and accepts it or not; it errs without regard to the task.

    Attributes:
        true_positive_rate: How often it accepts what is solved.
        false_positive_rate: How often it accepts what is not.
    """

    true_positive_rate: float
    false_positive_rate: float

    def accepts(self, scores: Floats) -> Floats:
        """Return the chance of acceptance; a score within 0 and 1 is the chance of being solved."""
        return scores * self.true_positive_rate + (1 - scores) * self.false_positive_rate


@dataclass(frozen=True, slots=True)
class Cascade:
    """Models tried from scratch one after another until one is accepted; the last always is.

    Attributes:
        chain: Columns; a chain of one is a single model.
        verifier: Asked after all but the last.
    """

    chain: tuple[int, ...]
    verifier: Verifier

    def expected(self, evidence: Evidence) -> Expected:
        """Return expected scores and costs; the verifier itself is taken to cost nothing."""
        reached = np.ones(len(evidence))
        scores, costs = np.zeros(len(evidence)), np.zeros(len(evidence))
        for model in self.chain[:-1]:
            solved = evidence.scores[:, model]
            scores += reached * solved * self.verifier.true_positive_rate
            costs += reached * evidence.costs[:, model]
            reached = reached * (1 - self.verifier.accepts(solved))
        scores += reached * evidence.scores[:, self.chain[-1]]
        costs += reached * evidence.costs[:, self.chain[-1]]
        return Expected(scores, costs)

    def told(self, models: tuple[str, ...]) -> str:
        """Return the chain with arrows."""
        return " -> ".join(models[one] for one in self.chain)


@dataclass(frozen=True, slots=True)
class StepCap:
    """A cheap model may take so many calls; a task that needs more begins anew with a dearer one.

    Attributes:
        cheap: A column.
        dear: Another.
        calls_max: Calls after which the cheap one is stopped; what it did until then is paid.
    """

    cheap: int
    dear: int
    calls_max: float

    def expected(self, evidence: Evidence) -> Expected:
        """Return scores and costs; a run stopped early is paid in proportion to its calls."""
        calls = evidence.calls[:, self.cheap]
        ended = calls <= self.calls_max
        scores = np.where(ended, evidence.scores[:, self.cheap], evidence.scores[:, self.dear])
        tried = evidence.costs[:, self.cheap] * np.minimum(1, self.calls_max / np.maximum(calls, 1))
        costs = tried + np.where(ended, 0, evidence.costs[:, self.dear])
        return Expected(scores, costs)

    def told(self, models: tuple[str, ...]) -> str:
        """Return the models and the cap."""
        return f"{models[self.cheap]} <= {self.calls_max:.0f} calls, else {models[self.dear]}"


def single(model: int) -> Cascade:
    """Return the policy that always uses one model."""
    return Cascade((model,), Verifier(1.0, 0.0))


def trusted(train: Evidence) -> list[int]:
    """Return the models within one standard error of the one with the highest mean score.

    With a few hundred tasks the highest mean is often luck; the one-standard-error rule (Breiman
    et al., 1984, section 3.4.3) does not pay for luck.
    """
    behind = train.scores[:, train.best_single(), None] - train.scores
    allowed = behind.std(axis=0, ddof=1) / np.sqrt(len(train))
    return [int(model) for model in np.flatnonzero(behind.mean(axis=0) <= allowed)]


def best_single(train: Evidence) -> int:
    """Return the cheapest of the trusted models."""
    costs = train.costs.mean(axis=0)
    return min(trusted(train), key=lambda model: (float(costs[model]), model))


def cascades(train: Evidence, verifier: Verifier, cost_max: float) -> Iterator[Cascade]:
    """Yield chains of two to four models, but none that costs `cost_max` before it ends.

    The last is a trusted model, because nobody verifies what it does.
    """
    last = frozenset(trusted(train))
    grown: list[tuple[int, ...]] = [(model,) for model in range(len(train.models))]
    while grown:
        chain = grown.pop()
        if len(chain) > 1 and chain[-1] in last:
            yield Cascade(chain, verifier)
        paid = Cascade(chain, verifier).expected(train).costs.mean()
        if len(chain) < CHAIN_MAX and paid < cost_max:
            grown += [(*chain, one) for one in range(len(train.models)) if one not in chain]


def step_caps(train: Evidence) -> Iterator[StepCap]:
    """Yield a dozen caps for each ordered pair of models whose calls are known."""
    for cheap, calls in enumerate(train.calls.T):
        if np.isnan(calls).any():
            continue
        for calls_max in np.unique(np.quantile(calls, np.linspace(0.05, 1, CAPS_TRIED)).round()):
            for dear in range(len(train.models)):
                if dear != cheap:
                    yield StepCap(cheap, dear, float(calls_max))


def choose(train: Evidence, tried: Iterable[TaskPolicy]) -> TaskPolicy:
    """Return the cheapest policy that pays on the training part, else the best single model.

    It pays when it costs less than the best single model and no model alone scores higher: many
    policies are tried, so one that is merely as good as a cheaper choice is likely to be lucky.
    """
    kept: TaskPolicy = single(best_single(train))
    cost = kept.expected(train).costs.mean()
    wanted = train.scores.mean(axis=0).max()
    for policy in tried:
        reached = policy.expected(train)
        if reached.scores.mean() >= wanted and reached.costs.mean() < cost:
            kept, cost = policy, reached.costs.mean()
    return kept
