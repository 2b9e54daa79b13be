"""Replays past calls by another policy, a part at a time: where each would have gone, at what cost.

A call that stays costs what it did. One that moves is rated by its own tokens at the prices of
where it would have gone; what its old place read from a cache is fresh there, unless the new place
was warm, or the call before it in its session would have gone there too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.economics.prices.bulk import Batch, Way, rate_batch
from headgate.economics.replays.choosing import Choice, Choosing
from headgate.economics.replays.load_served import Served
from headgate.economics.whatif.quantities import as_sold, colder
from headgate.records.demand import STANDARD
from headgate.routing.policies.registry import Chosen

PART = 1_000
"""So many calls are rated at once."""
ALL = Fraction(1)


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
        there: The deployment; its own where it stays.
        hope: What is expected of whoever served it, None where nothing is known.
        hope_there: The same of `there`.
        warm: Whether the prompt's prefix would have been cached there.
    """

    call: Served
    there: str
    hope: Hope | None
    hope_there: Hope | None
    warm: bool


@dataclass(slots=True)
class Place:
    """A deployment's calls, as they were and as they would have been.

    Attributes:
        duration_ms: Of those it served.
        quality_ppm: Sums over calls of which something is known: expected, low, high; `known` calls
            as it was, and the same for those it would have had.
    """

    was: int = 0
    would: int = 0
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
        stuck: Calls whose decision is of another version, or left nobody; they stay.
        unpriced: Calls that would have gone where their tokens have no price; in no sum of money.
        cold_nanos: What caches that were not read would have cost, as a part of what it would cost.
        blind: Calls that were decided without estimates.
    """

    every: Purse = field(default_factory=Purse)
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
    moves = (_move(choosing.of(turn, call), call, world, found) for turn, call in enumerate(calls))
    while part := list(islice(moves, PART)):
        would = _rated([move for move in part if move.there != move.call.deployment], world)
        costs = iter(would)
        for move in part:
            _take(found, move, None if move.there == move.call.deployment else next(costs))
        yield found


def _move(choice: Choice, call: Served, world: World, found: Replayed) -> Move:
    found.blind += all(each.estimate is None for each in call.record.candidates)
    found.stuck += choice.made is None
    there = choice.there
    hopes = _hope(call, call.deployment, world), _hope(call, there, world)
    return Move(call, there, *hopes, choice.warm)


def _hope(call: Served, name: str, world: World) -> Hope | None:
    """Return what the decision expected of a deployment, else what outcomes say of its model."""
    for each in call.record.candidates:
        if each.deployment == name and each.estimate is not None and each.estimate.n_milli:
            told = each.estimate
            return Hope(told.quality_ppm, told.low_ppm, told.high_ppm)
    deployment = world.deployments.get(name)
    return None if deployment is None else world.evidence.get(deployment.priced_as)


class _Cost(NamedTuple):
    """What a moved call costs there, and the part of it that is for a cold cache."""

    nanos: int | None
    cold_nanos: int = 0


def _rated(moves: list[Move], world: World) -> list[_Cost]:
    """Return what moved calls cost where they would have gone, in their order."""
    costs = [_Cost(None)] * len(moves)
    ways = [_way(move, world) for move in moves]
    for way in dict.fromkeys(way for way in ways if way is not None):
        numbers = [number for number, each in enumerate(ways) if each == way]
        usage = np.array([tuple(moves[number].call.usage) for number in numbers], np.int64)
        at_ns = np.array([moves[number].call.at_ns for number in numbers], np.int64)
        sold, rated = as_sold(
            world.book, Batch((way,), np.zeros(len(numbers), np.int64), at_ns, usage)
        )
        cold = rate_batch(world.book, sold._replace(usage=colder(sold.usage, ALL)))
        for place, number in enumerate(numbers):
            if not (rated.priced[place] and cold.priced[place]):
                continue
            warm_nanos, cold_nanos = int(rated.amounts_nanos[place]), int(cold.amounts_nanos[place])
            loss = 0 if moves[number].warm else cold_nanos - warm_nanos
            costs[number] = _Cost(warm_nanos + loss, loss)
    return costs


def _way(move: Move, world: World) -> Way | None:
    deployment = world.deployments.get(move.there)
    return None if deployment is None else way_of(move.call, deployment, world.book)


def way_of(call: Served, deployment: Deployment, book: PriceBook) -> Way:
    """Return what prices a call at a deployment: list terms, and contracts that hold for it."""
    own = (f"deployment:{deployment.id}", f"provider:{deployment.provider}")
    nodes = tuple(node for node in (*call.nodes, *own) if node in book.contract_nodes)
    return deployment.seller, deployment.priced_as, STANDARD._replace(nodes=nodes)


def _take(found: Replayed, move: Move, cost: _Cost | None) -> None:
    """Add a call to the sums; `cost` is None where it stays."""
    call = move.call
    place = found.places.setdefault(call.deployment, Place())
    there = found.places.setdefault(move.there, Place())
    place.was += 1
    there.would += 1
    place.duration_ms += call.duration_ms
    place.known += move.hope is not None
    there.known_there += move.hope_there is not None
    place.expect(move.hope)
    there.expect(move.hope_there)
    would = call.posted_nanos if cost is None else cost.nanos
    for purse in (found.every, found.principals.setdefault(call.principal, Purse())):
        purse.calls += 1
        purse.moved += cost is not None
        if move.hope is not None and move.hope_there is not None:
            purse.compared += 1
            purse.lost_ppm += move.hope.ppm - move.hope_there.ppm
        if would is not None:
            purse.was_nanos += call.posted_nanos
            purse.would_nanos += would
    found.unpriced += would is None
    found.cold_nanos += 0 if cost is None else cost.cold_nanos
