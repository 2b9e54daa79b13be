"""Who would have served each call, where that is somebody else: by models named, or by a policy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from headgate.economics.prices.bulk import Flags, Integers, Way
from headgate.economics.whatif.calls import Calls

EVERY = "*"
STAYS = -1


class Then(NamedTuple):
    """Who would have been asked again, where a first answer was turned down.

    Attributes:
        target: Of each call, which of the targets; `STAYS` where nobody.
        ppm: With what chance, in millionths.
    """

    target: Integers
    ppm: Integers


class Chains(NamedTuple):
    """Calls whose answers a policy verifies before they are given.

    Attributes:
        chained: Whether a call is one of them.
        then: Who is asked second, third and so on.
        checks_nanos: Of each call, what verifying is expected to cost.
    """

    chained: Flags
    then: tuple[Then, ...]
    checks_nanos: Integers


class Moves(NamedTuple):
    """Who would have served the calls.

    Attributes:
        targets: What `target` counts in.
        target: Of each call, which of `targets` would have served it; `STAYS` for who did.
        warm: Of each call, whether its prompt would have been cached there; None where nobody
            knows, and then a share of what moves is not.
        dropped: Attempts that would not have been made: others followed them in their call.
        chains: What a cascade adds; None where no answer is verified by the policy.
        notes: What else must be known of it, in sentences.
    """

    targets: tuple[Way, ...]
    target: Integers
    warm: Flags | None = None
    dropped: Flags | None = None
    chains: Chains | None = None
    notes: tuple[str, ...] = ()


def by_models(calls: Calls, models: Mapping[str, tuple[str, str]]) -> Moves:
    """Return the moves to models that are named instead of others.

    Args:
        calls: The calls.
        models: Who serves instead of a model, as seller and model; `*` is every other one.
    """
    targets: dict[Way, int] = {}
    numbers = []
    for way in calls.batch.ways:
        there = _instead(way, models)
        stays = there[:2] == way[:2]
        numbers.append(STAYS if stays else targets.setdefault(there, len(targets)))
    return Moves(tuple(targets), np.array(numbers or [STAYS], np.int64)[calls.batch.way])


def _instead(way: Way, models: Mapping[str, tuple[str, str]]) -> Way:
    seller, model, terms = way
    names = (f"{seller}/{model}", model, EVERY)
    found = next((models[name] for name in names if name in models), None)
    return way if found is None else (*found, terms)


def pairs(calls: Calls, moves: Moves, moving: Flags) -> Iterator[tuple[Way, Way, Integers]]:
    """Yield who served and who would have, each with the places of the calls that move so."""
    every = len(moves.targets)
    place = np.flatnonzero(moving & (moves.target != STAYS))
    for number, chosen in _groups(calls.batch.way[place] * every + moves.target[place]):
        way, target = divmod(number, every)
        yield calls.batch.ways[way], moves.targets[target], place[chosen]


def _groups(numbers: Integers) -> Iterator[tuple[int, Integers]]:
    """Yield each number that is there, with its places in order."""
    if not len(numbers):
        return
    # Numbers of 16 bits are sorted by radix, several times as fast.
    narrow = np.uint16 if int(numbers.max()) <= np.iinfo(np.uint16).max else np.int64
    order = np.argsort(numbers.astype(narrow), kind="stable")
    edges: Sequence[Integers] = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    for place in edges:
        yield int(numbers[place[0]]), place
