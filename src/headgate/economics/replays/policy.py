"""Replays past calls by another policy, a part at a time: where each would have gone, at what cost.

Attempts are put together to calls first: of a cascade that verified and asked on, only whose answer
the client got is asked again, and the others fall away. By a cascade a call costs what its steps
do, each by its chance, and the checks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.economics.replays.answered import Answered, answered
from headgate.economics.replays.choosing import Choice, Choosing
from headgate.economics.replays.load_served import Served
from headgate.economics.replays.rating import Asked, Cost, rated
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import Chosen
from headgate.routing.replaying import Again

PPM = 1_000_000
PART = 1_000
"""So many calls are rated at once."""


class Hope(NamedTuple):
    """How good answers are expected to be, in millionths; `n` outcomes say so.

    Attributes:
        ppm: The chance of a good one.
        low_ppm: The lower end of its 95 % interval.
        high_ppm: The upper end.
    """

    ppm: int
    low_ppm: int
    high_ppm: int


class World(NamedTuple):
    """What a replay goes by.

    Attributes:
        evidence: What outcomes say of models by now, by their names; those without are not there.
    """

    policy: Chosen
    book: PriceBook
    deployments: Mapping[str, Deployment]
    evidence: Mapping[str, Hope]


class Move(NamedTuple):
    """A call, and where it would have gone.

    Attributes:
        asks: Who would have been asked, each with the chance in millionths; empty where nothing of
            it would have been another.
        place: Whose answer its client would have got; of a cascade all of its steps in one name.
        hope: What is expected of whoever answered, None where nothing is known.
        hope_there: The same of `place`.
        warm: Whether the prompt's prefix would have been cached at the first of them.
        checks_nanos: What verifying is expected to cost.
    """

    call: Answered
    asks: tuple[tuple[str, int], ...]
    place: str
    hope: Hope | None
    hope_there: Hope | None
    warm: bool
    checks_nanos: int = 0


@dataclass(slots=True)
class Place:
    """A deployment's calls, as they were and as they would have been.

    Attributes:
        was: Those that it answered.
        would: Those that it would have answered.
        asked: Its attempts, whoever got their answer.
        duration_ms: Of those.
        would_ppm: How often it would have been asked, in millionths: a sum of chances.
        quality_ppm: Sums over calls of which something is known: expected, low, high; `known` calls
            as it was, and the same for those it would have had.
    """

    was: int = 0
    would: int = 0
    asked: int = 0
    would_ppm: int = 0
    duration_ms: int = 0
    known: int = 0
    known_there: int = 0
    quality_ppm: list[int] = field(default_factory=lambda: [0, 0, 0])

    def expect(self, hope: Hope | None) -> None:
        """Take an expectation into the mean."""
        if hope is not None:
            for number, value in enumerate(hope):
                self.quality_ppm[number] += value


@dataclass(slots=True)
class Purse:
    """What somebody's calls cost and would have cost; of those that both sides price."""

    calls: int = 0
    moved: int = 0
    was_nanos: int = 0
    would_nanos: int = 0
    compared: int = 0
    lost_ppm: int = 0


@dataclass(slots=True)
class Replayed:
    """What a replay comes to.

    Attributes:
        attempts: All that were answered and measured; a cascade's call has several.
        stuck: Calls whose decision is of another version, or left nobody; they stay.
        unpriced: Calls that would have gone where their tokens have no price; in no sum of money.
        cold_nanos: What caches that were not read would have cost, as a part of what it would cost.
        blind: Calls that were decided without estimates.
    """

    every: Purse = field(default_factory=Purse)
    attempts: int = 0
    stuck: int = 0
    unpriced: int = 0
    cold_nanos: int = 0
    blind: int = 0
    places: dict[str, Place] = field(default_factory=dict)
    principals: dict[str, Purse] = field(default_factory=dict)


def replay(calls: Iterable[Served], world: World) -> Iterator[Replayed]:
    """Yield what the replay comes to so far, part by part; the last is the whole."""
    found = Replayed()
    choosing = Choosing(world.policy)
    turns = enumerate(answered(calls))
    moves = (_move(choosing.of(turn, call.answer), call, world, found) for turn, call in turns)
    while part := list(islice(moves, PART)):
        for move, cost in zip(part, expected(part, world), strict=True):
            _take(found, move, cost)
        yield found


def _move(choice: Choice, call: Answered, world: World, found: Replayed) -> Move:
    answer, made = call.answer, choice.made
    found.blind += all(each.estimate is None for each in answer.record.candidates)
    found.stuck += made is None
    hope = _hope(answer, answer.deployment, world)
    if made is None:
        return Move(call, (), answer.deployment, hope, hope, warm=True)
    if not made.steps:
        asks, there = ((choice.there, PPM),), choice.there
        return Move(call, asks, there, hope, _hope(answer, there, world), choice.warm)
    names = [name for name, _ in made.steps]
    reached = _hope_of_chain(made, [_hope(answer, name, world) for name in names])
    checks_nanos = made.verified_ppm * made.check_nanos // PPM
    place = cascade.ARROW.join(names)
    return Move(call, made.steps, place, hope, reached, choice.warm, checks_nanos)


def _hope_of_chain(made: Again, hopes: Sequence[Hope | None]) -> Hope | None:
    """Return what a cascade's formula expects; no more certain than the least certain step is."""
    known = [each for each in hopes if each is not None]
    if len(known) < len(hopes):
        return None
    ppm = made.quality_ppm
    below = max(each.ppm - each.low_ppm for each in known)
    above = max(each.high_ppm - each.ppm for each in known)
    return Hope(ppm, max(0, ppm - below), min(PPM, ppm + above))


def _hope(call: Served, name: str, world: World) -> Hope | None:
    """Return what the decision expected of a deployment, else what outcomes say of its model."""
    for each in call.record.candidates:
        if each.deployment == name and each.estimate is not None and each.estimate.n_milli:
            told = each.estimate
            return Hope(told.quality_ppm, told.low_ppm, told.high_ppm)
    deployment = world.deployments.get(name)
    return None if deployment is None else world.evidence.get(deployment.priced_as)


def expected(moves: Sequence[Move], world: World) -> list[Cost]:
    """Return what calls are expected to cost where they would have gone, in their order."""
    known = [_known(move) for move in moves]
    wanted = [
        (number, name, chance)
        for number, move in enumerate(moves)
        for name, chance in move.asks
        if name not in known[number]
    ]
    asks = [
        Asked(moves[number].call.answer, name, _is_warm(moves[number], name))
        for number, name, _ in wanted
    ]
    nanos = [_stays(move, known[number]) for number, move in enumerate(moves)]
    cold, unpriced = [0] * len(moves), set()
    for (number, _, chance), cost in zip(
        wanted, rated(asks, world.book, world.deployments), strict=True
    ):
        if cost.nanos is None:
            unpriced.add(number)
        else:
            nanos[number] += chance * cost.nanos // PPM
            cold[number] += chance * cost.cold_nanos // PPM
    return [
        Cost(None) if number in unpriced else Cost(nanos[number], cold[number])
        for number in range(len(moves))
    ]


def _known(move: Move) -> dict[str, int]:
    """Return what was posted at those who were asked in fact."""
    return {each.deployment: each.posted_nanos for each in (*move.call.others, move.call.answer)}


def _stays(move: Move, known: Mapping[str, int]) -> int:
    """Return what is known of a call's cost: of whoever was asked and would be, and the checks."""
    if not move.asks:
        return sum(each.posted_nanos for each in (*move.call.others, move.call.answer))
    again = sum(chance * known.get(name, 0) // PPM for name, chance in move.asks)
    return again + move.checks_nanos


def _is_warm(move: Move, name: str) -> bool:
    """Tell whether a prompt would have been cached; whoever is asked on reads it afresh."""
    return move.warm and name == move.asks[0][0]


def _take(found: Replayed, move: Move, cost: Cost) -> None:
    """Add a call to the sums."""
    answer, every = move.call.answer, (move.call.answer, *move.call.others)
    place = found.places.setdefault(answer.deployment, Place())
    there = found.places.setdefault(move.place, Place())
    place.was += 1
    there.would += 1
    place.known += move.hope is not None
    there.known_there += move.hope_there is not None
    place.expect(move.hope)
    there.expect(move.hope_there)
    for each in every:
        asked = found.places.setdefault(each.deployment, Place())
        asked.asked += 1
        asked.duration_ms += each.duration_ms
    for name, chance in move.asks or [(each.deployment, PPM) for each in every]:
        found.places.setdefault(name, Place()).would_ppm += chance
    found.attempts += len(every)
    was = sum(each.posted_nanos for each in every)
    moved = bool(move.asks) and move.asks[0][0] != move.call.first.deployment
    for purse in (found.every, found.principals.setdefault(answer.principal, Purse())):
        purse.calls += 1
        purse.moved += moved
        if move.hope is not None and move.hope_there is not None:
            purse.compared += 1
            purse.lost_ppm += move.hope.ppm - move.hope_there.ppm
        if cost.nanos is not None:
            purse.was_nanos += was
            purse.would_nanos += cost.nanos
    found.unpriced += cost.nanos is None
    found.cold_nanos += cost.cold_nanos
