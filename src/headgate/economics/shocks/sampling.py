"""Which calls of a month are sent again, and how many each of them stands for.

Calls are drawn in pieces, calls of one thread that followed one another, so that prompts can share
what they shared. What was asked for makes the strata: each has its part of the calls by what it
cost, and at least one piece where that leaves room for others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import numpy as np

from headgate.insights.drill import Past

PIECE_CALLS = 12
TOKENS_MAX = 15_000_000
"""Prompt tokens of a sample, at four bytes each: what is sent again once per run."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Calls for one name.

    Attributes:
        calls: How many the month had.
        posted_nanos: What they were posted at.
        drawn: How many were drawn.
        drawn_nanos: What those were posted at.
    """

    asked: str
    calls: int
    posted_nanos: int
    drawn: int
    drawn_nanos: int

    @property
    def weight(self) -> Fraction:
        """So many calls of the month does a drawn one stand for."""
        return Fraction(self.calls, self.drawn)

    def scaled(self, nanos: int) -> Fraction:
        """Return what an amount of all drawn calls is for the month, by what they had cost."""
        if not self.drawn_nanos:
            return nanos * self.weight
        return nanos * Fraction(self.posted_nanos, self.drawn_nanos)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn.

    Attributes:
        pieces: Each in the order of time.
        strata: By what was asked for, the dearest first.
    """

    pieces: tuple[tuple[Past, ...], ...]
    strata: tuple[Stratum, ...]

    @property
    def calls(self) -> tuple[Past, ...]:
        """All that were drawn, piece by piece."""
        return tuple(call for piece in self.pieces for call in piece)


def sample(past: Iterable[Past], calls_max: int, seed: int) -> Sample:
    """Draw about `calls_max` calls, at most twice as many; for a seed the same of the same."""
    by_name = {
        asked: list(calls)
        for asked, calls in groupby(sorted(past, key=_in_order), key=lambda call: call.asked)
    }
    chance = np.random.Generator(np.random.PCG64(seed))
    posted = {asked: _posted(calls) for asked, calls in by_name.items()}
    whole = sum(posted.values())
    pieces: list[tuple[Past, ...]] = []
    strata: list[Stratum] = []
    for asked in sorted(by_name, key=lambda name: (-posted[name], name)):
        calls = by_name[asked]
        share = Fraction(posted[asked], whole) if whole else Fraction(1, len(by_name))
        least = min(PIECE_CALLS, calls_max // len(by_name))
        drawn = _drawn(calls, share, max(1, least, round(share * calls_max)), chance)
        chosen = [call for piece in drawn for call in piece]
        pieces += drawn
        strata.append(Stratum(asked, len(calls), posted[asked], len(chosen), _posted(chosen)))
    return Sample(tuple(pieces), tuple(strata))


def _in_order(call: Past) -> tuple[str, str, int]:
    return call.asked, call.thread, call.at_ns


def _posted(calls: Iterable[Past]) -> int:
    return sum(call.posted_nanos for call in calls)


def _drawn(
    calls: Sequence[Past], share: Fraction, room: int, chance: np.random.Generator
) -> list[tuple[Past, ...]]:
    """Return pieces in the order they were drawn, until there are enough calls or tokens."""
    pieces = [
        tuple(thread[first : first + PIECE_CALLS])
        for _, group in groupby(calls, key=lambda call: call.thread)
        for thread in [list(group)]
        for first in range(0, len(thread), PIECE_CALLS)
    ]
    tokens = max(1, round(share * TOKENS_MAX))
    drawn: list[tuple[Past, ...]] = []
    for index in chance.permutation(len(pieces)):
        if room <= 0 or tokens <= 0:
            break
        piece = pieces[index][:room]
        drawn.append(piece)
        room -= len(piece)
        tokens -= sum(call.usage.prompt_tokens for call in piece)
    return drawn
