"""Reads from the books who would have served each attempt by another policy.

Each decision has all that might have served and what was expected of each, so the policy decides
again from the record. What it goes by and no record has, it cannot know: that is noted, or refused
where no record at all has it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.economics.inputs import InputError
from headgate.economics.prices.bulk import Way
from headgate.economics.prices.load_past import Charged
from headgate.economics.replays.answered import answered
from headgate.economics.replays.choosing import Choice, Choosing
from headgate.economics.replays.load_served import Served
from headgate.economics.replays.rating import way_of
from headgate.economics.whatif.moves import STAYS, Chains, Moves, Then
from headgate.records.demand import STANDARD
from headgate.routing.cascades.chain import CHAIN_MAX
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import Chosen

PPM = 1_000_000
THEN_MAX = CHAIN_MAX - 1
KEPT_IN_MIND = frozenset({"session", "feedback"})


class Ground(NamedTuple):
    """What decisions are made again on: the policy, the prices, and today's deployments."""

    policy: Chosen
    book: PriceBook
    deployments: Mapping[str, Deployment]


def noting(charged: Iterable[Charged], attempts: list[str]) -> Iterator[Charged]:
    """Yield attempts, and note their ids in order: `routed` finds them by these."""
    for each in charged:
        attempts.append(each.attempt)
        yield each


def routed(calls: Iterable[Served], attempts: Sequence[str], ground: Ground) -> Moves:
    """Return who would have served the attempts.

    Args:
        calls: Those that were answered, in the order they were made.
        attempts: Ids of all that are rated.
        ground: What decisions are made on.

    Raises:
        InputError: The policy goes by what no decision of the period has.
    """
    found, choosing = _Found(len(attempts), ground), Choosing(ground.policy)
    numbers = {attempt: number for number, attempt in enumerate(attempts)}
    for turn, call in enumerate(answered(calls)):
        answer = call.answer
        choice = choosing.of(turn, answer)
        found.count(answer, choice)
        found.take(numbers.get(answer.attempt), answer, choice)
        for other in call.others:
            found.drop(numbers.get(other.attempt))
    return found.moves()


class _Found:
    """What comes of the decisions so far, in columns."""

    def __init__(self, many: int, ground: Ground) -> None:
        self._ground = ground
        self._targets: dict[Way, int] = {}
        self._target = np.full(many, STAYS, np.int64)
        self._warm = np.ones(many, np.bool_)
        self._dropped = np.zeros(many, np.bool_)
        self._chained = np.zeros(many, np.bool_)
        self._checks_nanos = np.zeros(many, np.int64)
        self._then = [
            Then(np.full(many, STAYS, np.int64), np.zeros(many, np.int64)) for _ in range(THEN_MAX)
        ]
        self._calls = self._found = self._stuck = self._blind = self._whole = 0

    def drop(self, number: int | None) -> None:
        """Take an attempt that another one followed."""
        if number is not None:
            self._found += 1
            self._dropped[number] = True

    def count(self, call: Served, choice: Choice) -> None:
        """Count what the record of a call has."""
        self._calls += 1
        self._stuck += choice.made is None
        self._blind += all(each.estimate is None for each in call.record.candidates)
        self._whole += bool(call.record.inputs.get(cascade.WHOLE))

    def take(self, number: int | None, call: Served, choice: Choice) -> None:
        """Take a call to where it would have gone; one that is not rated has no number."""
        if number is None:
            return
        self._found += 1
        if choice.there != call.deployment:
            self._target[number] = self._number(call, choice.there)
            self._warm[number] = choice.warm
        if choice.made is None or not choice.made.steps:
            return
        made = choice.made
        self._chained[number] = True
        self._checks_nanos[number] = made.verified_ppm * made.check_nanos // PPM
        for then, (name, chance) in zip(self._then, made.steps[1:], strict=False):
            then.target[number], then.ppm[number] = self._number(call, name), chance

    def _number(self, call: Served, name: str) -> int:
        """Return the number of a target; a deployment that is no more has no price."""
        deployment = self._ground.deployments.get(name)
        gone = ("", name, STANDARD)
        way = gone if deployment is None else way_of(call, deployment, self._ground.book)
        return self._targets.setdefault(way, len(self._targets))

    def moves(self) -> Moves:
        """Return all of it.

        Raises:
            InputError: The policy goes by what no decision has.
        """
        chains = None
        if self._chained.any():
            then = tuple(one for one in self._then if one.ppm.any())
            chains = Chains(self._chained, then, self._checks_nanos)
        targets, notes = tuple(self._targets), tuple(self._notes())
        return Moves(targets, self._target, self._warm, self._dropped, chains, notes)

    def _notes(self) -> Iterator[str]:
        name, needs = self._ground.policy.settings.name, self._ground.policy.needs
        every = self._calls
        if needs and every and self._blind == every:
            raise InputError(
                f"{name} goes by estimates, and no decision of this period has any.",
                "Let it watch first, as a shadow; or take one that goes by prices: cheapest.",
            )
        cascades = self._ground.policy.has(cascade.KIND)
        if cascades and every and not self._whole:
            raise InputError(
                f"{name} verifies answers, and no decision of this period says whose could be.",
                "Let it watch first, as a shadow of the policy that serves.",
            )
        if alone := len(self._target) - self._found:
            yield f"{alone} attempts stay: they were not answered, or their decision is not kept."
        if self._stuck:
            yield f"{self._stuck} calls stay: their decision is of another version or left nobody."
        if needs and self._blind:
            blind = f"{self._blind} of {every} calls"
            yield f"{blind} were decided without the estimates that {name} goes by."
        if cascades and self._whole < every:
            yield (
                f"{every - self._whole} of {every} calls are such that nobody can verify them: "
                "there the best one serves alone."
            )
        for need in sorted(needs & KEPT_IN_MIND):
            yield f"What {name} keeps in mind of {need}s is in no record, and so it has nothing."
