"""Replaying mixes of sessions: the policy `session` beside each model alone, cache and all."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
from msgspec import Struct

from headgate.catalog.rates import RateCard
from headgate.routing.evaluation import evidence
from headgate.routing.evaluation.cascades import Verifier
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.evaluation.replayed import (
    BySession,
    Chooser,
    Fixed,
    Known,
    Replayed,
    Task,
    replay,
)
from headgate.routing.evaluation.till import Shape, Till
from headgate.routing.sessions.odds import CERTAIN_PPM, milli_of
from headgate.routing.sessions.signs import OVERLONG_PERCENT
from headgate.routing.sessions.switching import Setting
from headgate.units.money import NANOS_PER_USD

_V = TypeVar("_V")

FOLDS = 5
ROWS_MIN = 40


class Mix(NamedTuple):
    """A kind of sessions.

    Attributes:
        tasks: How many one has.
        pause_s: How long the user waits before each but the first.
    """

    name: str
    tasks: int
    pause_s: int


MIXES = (
    Mix("one task", 1, 0),
    Mix("five tasks, no pauses", 5, 0),
    Mix("five tasks, two minutes apart", 5, 120),
    Mix("five tasks, ten minutes apart", 5, 600),
)
STAKES_USD = (0, 1, 5, 25)
Rates = Literal["told", "folds"]
RATES: tuple[Rates, ...] = get_args(Rates)


class ReplayRow(Struct, frozen=True, kw_only=True):
    """The policy on one mix, beside the cheapest model that solves as much.

    Attributes:
        rates: Where what it knew of the models is from: `told`, all tasks of the file, as somebody
            says it in a configuration, or `folds`, the other folds' tasks, with their uncertainty.
        stake_usd: What a failed task was said to cost beside being done again.
        solved: Share of the tasks.
        fixed: The cheapest model that alone solves at least as much; None when none does.
        dearer: The policy's cost above that model's, as a share of it; negative where it is less.
        switches: Of all sessions together.
        unpaid: Switches without a positive computed gain.
    """

    mix: str
    rates: Rates
    stake_usd: int
    verified: bool
    tasks: int
    solved: float
    usd_per_task: float
    fixed: str | None
    fixed_usd_per_task: float | None
    dearer: float | None
    switches: int
    unpaid: int


class Alone(Struct, frozen=True, kw_only=True):
    """One model for everything, in the first mix."""

    solved: float
    usd_per_task: float


class ReplaysResult(Struct, frozen=True, kw_only=True):
    """What `headgate routing replay-sessions --json` prints.

    Attributes:
        shape: What a call looks like; see `headgate.routing.evaluation.till.Shape`.
        models: By name.
    """

    protocol: str
    seed: int
    test_rows: int
    shape: dict[str, int]
    true_positive_rate: float
    false_positive_rate: float
    models: dict[str, Alone]
    rows: list[ReplayRow]


def evaluate(
    train: Evidence,
    cards: Mapping[str, RateCard],
    verifier: Verifier,
    seed: int,
    on_mix: Callable[[str], None] = lambda _name: None,
) -> ReplaysResult:
    """Replay every mix, with what is known of the models as told and by cross-validation.

    Args:
        train: What the models made of each task, and with how many calls.
        cards: The prices of each model.
        verifier: Looks at results, where a mix is verified.
        seed: What all chance follows from.
        on_mix: Told the name of each mix before it is replayed.

    Raises:
        EvidenceError: Too few tasks, or calls are not known.
    """
    if len(train) < ROWS_MIN or np.isnan(train.calls).any():
        problem = f"Sessions need {ROWS_MIN} tasks with the calls of every model"
        raise EvidenceError(problem, "Give a file with <model>|calls, and leave other models out.")
    shape, alone = Shape(), dict[str, _Sum]()
    rows: list[ReplayRow] = []
    for mix in MIXES:
        on_mix(mix.name)
        replays = _Replays(train, cards, mix, shape, seed)
        fixed = replays.fixed()
        alone = alone or fixed
        for rates, looks, stake in product(RATES, (None, verifier), STAKES_USD):
            reached = replays.by_session(rates, stake, looks)
            rows.append(_row((mix.name, rates, stake, looks is not None), reached, fixed))
    return ReplaysResult(
        protocol=f"rates as told, and by {FOLDS}-fold cross-validation",
        seed=seed,
        test_rows=len(train),
        shape=shape._asdict(),
        true_positive_rate=verifier.true_positive_rate,
        false_positive_rate=verifier.false_positive_rate,
        models={
            name: Alone(solved=one.solved, usd_per_task=one.usd) for name, one in alone.items()
        },
        rows=rows,
    )


class _Sum(NamedTuple):
    """Of all sessions of a mix: per task, but for the switches."""

    solved: float
    usd: float
    tasks: int
    switches: int = 0
    unpaid: int = 0


class _Replays:
    """The sessions of one mix, in folds."""

    def __init__(
        self,
        train: Evidence,
        cards: Mapping[str, RateCard],
        mix: Mix,
        shape: Shape,
        seed: int,
    ) -> None:
        self._cards, self._mix, self._shape, self._seed = cards, mix, shape, seed
        self._models = train.models
        self._folds = evidence.folds(train, FOLDS, seed)
        self._tasks = len(train)
        self._told = _known(train, _rates(train), sure=True)
        till = Till(cards, shape)
        self._prices = [till.steady_nanos(one, shape.first_tokens) for one in train.models]

    def fixed(self) -> dict[str, _Sum]:
        """Return each model alone."""
        sessions = [one for _, unseen in self._folds for one in self._sessions(unseen, None)]
        return {
            model: self._sum([self._replay(one, Fixed(model)) for one in sessions])
            for model in self._models
        }

    def by_session(self, rates: Rates, stake_usd: int, verifier: Verifier | None) -> _Sum:
        """Return the policy, which knows of the models what it was told or what folds say."""
        setting = Setting(stake_usd * NANOS_PER_USD)
        replayed = []
        for learned, unseen in self._folds:
            known = self._told
            if rates == "folds":
                known = _known(learned, _pooled(learned, self._prices), sure=False)
            chooser = BySession(known, setting)
            replayed += [self._replay(one, chooser) for one in self._sessions(unseen, verifier)]
        return self._sum(replayed)

    def _replay(self, tasks: Sequence[Task], chooser: Chooser) -> Replayed:
        return replay(tasks, chooser, self._cards, self._shape)

    def _sessions(self, unseen: Evidence, verifier: Verifier | None) -> Iterator[list[Task]]:
        chance = np.random.default_rng(self._seed).random(unseen.scores.shape)
        accepts = None if verifier is None else chance < verifier.accepts(unseen.scores)
        made: list[Task] = []
        for row in range(len(unseen)):
            calls = [max(1, round(each)) for each in unseen.calls[row]]
            accepted = None if accepts is None else accepts[row].tolist()
            made.append(
                Task(
                    self._mix.pause_s if made else 0,
                    self._by_model(calls),
                    self._by_model(unseen.scores[row].tolist()),
                    {} if accepted is None else self._by_model(accepted),
                )
            )
            if len(made) == self._mix.tasks:
                yield made
                made = []
        if made:
            yield made

    def _by_model(self, values: Iterable[_V]) -> dict[str, _V]:
        return dict(zip(self._models, values, strict=True))

    def _sum(self, replayed: Sequence[Replayed]) -> _Sum:
        gains = [gain for one in replayed for gain in one.gains_nanos]
        return _Sum(
            sum(one.solved for one in replayed) / self._tasks,
            sum(one.nanos for one in replayed) / NANOS_PER_USD / self._tasks,
            self._tasks,
            len(gains),
            sum(gain is None or gain <= 0 for gain in gains),
        )


def _known(learned: Evidence, rates: Sequence[float], *, sure: bool) -> dict[str, Known]:
    """Return what is known of each model: how often it solves a task, and with how many calls."""
    found = {}
    for column, model in enumerate(learned.models):
        half, most = np.percentile(learned.calls[:, column], [50, OVERLONG_PERCENT])
        rate = rates[column]
        error = 0.0 if sure else (rate * (1 - rate) / len(learned)) ** 0.5
        found[model] = Known(
            milli_of(round(rate * CERTAIN_PPM)),
            max(1, round(half)),
            max(1, round(most)),
            round(error * CERTAIN_PPM),
        )
    return found


def _rates(learned: Evidence) -> list[float]:
    """Return each model's rate, by the rule of succession."""
    return [float((one.sum() + 1) / (len(learned) + 2)) for one in learned.scores.T]


def _pooled(learned: Evidence, prices: Sequence[int]) -> list[float]:
    """Return rates where models that differ by luck share one.

    That is by less than the standard error of the difference from the cheapest of them: with a
    few hundred tasks the rest is often luck, and luck is not worth money.

    Args:
        learned: The tasks.
        prices: What a call costs, by model.
    """
    rates = _rates(learned)
    groups: list[list[int]] = []
    for column in np.argsort(learned.calls.mean(axis=0) * prices).tolist():
        if groups and rates[column] <= rates[groups[-1][0]]:
            # Dearer and no better: nobody is measured by it.
            continue
        if groups and _is_luck(learned, groups[-1][0], column):
            groups[-1].append(column)
        else:
            groups.append([column])
    for group in groups:
        mean = sum(rates[column] for column in group) / len(group)
        for column in group:
            rates[column] = mean
    return rates


def _is_luck(learned: Evidence, cheaper: int, dearer: int) -> bool:
    apart = learned.scores[:, dearer] - learned.scores[:, cheaper]
    return bool(apart.mean() <= apart.std(ddof=1) / len(learned) ** 0.5)


def _row(what: tuple[str, Rates, int, bool], reached: _Sum, fixed: Mapping[str, _Sum]) -> ReplayRow:
    mix, rates, stake_usd, verified = what
    equal = {name: one for name, one in fixed.items() if one.solved >= reached.solved}
    best = min(equal, key=lambda name: equal[name].usd, default=None)
    usd = None if best is None else equal[best].usd
    return ReplayRow(
        mix=mix,
        rates=rates,
        stake_usd=stake_usd,
        verified=verified,
        tasks=reached.tasks,
        solved=reached.solved,
        usd_per_task=reached.usd,
        fixed=best,
        fixed_usd_per_task=usd,
        dearer=None if not usd else reached.usd / usd - 1,
        switches=reached.switches,
        unpaid=reached.unpaid,
    )
