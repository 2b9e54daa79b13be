"""Rates a period again, step by step, so that each thing that changes is a line of its own.

The lines of a class add up: what was posted and all of them is what it would have cost. A call that
some step has no price for is left out of every line, and counted.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

import numpy as np

from headgate.economics.inputs import Inputs
from headgate.economics.prices.bulk import Batch, Flags, Integers, Way, rate_batch, some
from headgate.economics.whatif.calls import Calls, sums
from headgate.economics.whatif.moves import Moves, pairs
from headgate.economics.whatif.quantities import as_sold, colder, on_day, times
from headgate.economics.whatif.scenario import Scenario
from headgate.economics.whatif.seats import SeatLine, seated
from headgate.economics.whatif.tokenisers import Family, factor
from headgate.units.money import round_half_up

_STEPS = ("rating", "prices", "carried", "refused", "models", "tokens", "cache", "escalated")
LINES = (*_STEPS, "retries", "checks", "seats")
"""What may change: see `report.MEANINGS`."""
ALL = Fraction(1)
PPM = 1_000_000


class Move(NamedTuple):
    """Calls of one model that another one serves.

    Attributes:
        old: `seller/model`, and so `new`.
        was_nanos: What they cost by the old model at the scenario's prices.
        would_nanos: What the same tokens cost by the new one.
        tokens: Tokens the new one makes of one of the old.
    """

    old: str
    new: str
    calls: int
    was_nanos: int
    would_nanos: int
    tokens: Fraction


class Replay(NamedTuple):
    """A period as it was and as it would have been.

    Attributes:
        classes: Names of the classes of tasks.
        calls: Of each class, those that every step prices.
        posted_nanos: Of each class, what those were posted at.
        lines: By the names in `LINES`, what it adds to each class; negative where it saves.
        moves: The largest first.
        left_out: Calls that some step has no price for.
        left_out_nanos: What they were posted at.
        seats: The plans that are had.
        refused: Calls that a seat was full for, and nobody else served.
    """

    classes: tuple[str, ...]
    calls: tuple[int, ...]
    posted_nanos: tuple[int, ...]
    lines: dict[str, tuple[int, ...]]
    moves: tuple[Move, ...]
    left_out: int
    left_out_nanos: int
    seats: tuple[SeatLine, ...] = ()
    refused: int = 0

    @property
    def was_nanos(self) -> int:
        """What all of it was posted at."""
        return sum(self.posted_nanos)

    @property
    def would_nanos(self) -> int:
        """What all of it would have cost."""
        return self.was_nanos + sum(sum(line) for line in self.lines.values())

    def would_of(self, number: int) -> int:
        """Return what one class would have cost."""
        return self.posted_nanos[number] + sum(line[number] for line in self.lines.values())


class _Steps(NamedTuple):
    """What each call costs after each step; all of one length.

    Attributes:
        good: Whether every step prices it.
        served: Whether it is paid by the call: no seat carries it, or is full and it is refused.
        refusals: Whether a seat was full and it was refused.
        moved: Whether somebody else serves it.
        chained: Whether the policy verifies its answer, at `checks_nanos`.
        moves: Who serves instead of whom, with the places of their calls and the tokens made of
            one.
        seats: The plans that are had.
    """

    rating: Integers
    prices: Integers
    carried: Integers
    refused: Integers
    models: Integers
    tokens: Integers
    cache: Integers
    escalated: Integers
    good: Flags
    served: Flags
    refusals: Flags
    moved: Flags
    chained: Flags
    checks_nanos: Integers
    moves: list[tuple[Way, Way, Integers, Fraction]]
    seats: tuple[SeatLine, ...]


def replay(calls: Calls, asked: Scenario, inputs: Inputs, families: Sequence[Family]) -> Replay:
    """Return the period again, line by line.

    Args:
        calls: What was done.
        asked: What would have been different.
        inputs: Factors of tokenisers.
        families: Which model has which.

    Raises:
        InputError: A plan that is to be had covers no use.
    """
    return replays(calls, [asked], inputs, families)[0]


def replays(
    calls: Calls, asked: Sequence[Scenario], inputs: Inputs, families: Sequence[Family]
) -> list[Replay]:
    """Return the period again as each scenario has it, all of the calls that every one prices.

    So the difference of two is a saving. See `replay`.
    """
    found = []
    for one in asked:
        steps = _steps(calls, one, inputs, families)
        found.append((_told(calls, one, steps, steps.good), steps.good))
    good = reduce(np.logical_and, (own for _, own in found))
    # Steps are large, so those of one scenario are in memory at a time, at the price of this.
    return [
        told
        if np.array_equal(own, good)
        else _told(calls, one, _steps(calls, one, inputs, families), good)
        for one, (told, own) in zip(asked, found, strict=True)
    ]


def _steps(calls: Calls, asked: Scenario, inputs: Inputs, families: Sequence[Family]) -> _Steps:
    steps, moves = _first(calls, asked), asked.moves(calls)
    moving = _allowed(calls, asked) & steps.served
    for way, target, place in pairs(calls, moves, moving):
        tokens = factor(inputs, families, _name(way), _name(target))
        sold, rated = as_sold(asked.after, _dated(calls.batch, asked, place, target))
        counted = sold._replace(usage=times(sold.usage, tokens))
        cold = counted._replace(usage=_cold(counted.usage, asked, moves.warm, place))
        known = sold
        for amounts, each in ((steps.models, sold), (steps.tokens, counted), (steps.cache, cold)):
            if each.usage is not known.usage:
                known, rated = each, rate_batch(asked.after, each)
            amounts[place] = rated.amounts_nanos
            steps.good[place] &= rated.priced
        steps.moved[place] = True
        steps.moves.append((way, target, place, tokens))
    steps.escalated[:] = steps.cache
    if moves.dropped is not None:
        steps.escalated[moving & moves.dropped] = 0
    if moves.chains is not None:
        steps.chained[:] = moving & moves.chains.chained
        steps.checks_nanos[:] = np.where(steps.chained, moves.chains.checks_nanos, 0)
        _escalate(calls, asked, moves, steps, (inputs, families))
    return steps


def _escalate(
    calls: Calls,
    asked: Scenario,
    moves: Moves,
    steps: _Steps,
    tokenisers: tuple[Inputs, Sequence[Family]],
) -> None:
    """Add what those cost who are asked again; they read everything afresh, being asked seldom."""
    for then in () if moves.chains is None else moves.chains.then:
        again = moves._replace(target=then.target)
        for way, target, place in pairs(calls, again, steps.chained):
            tokens = factor(*tokenisers, _name(way), _name(target))
            sold, _ = as_sold(asked.after, _dated(calls.batch, asked, place, target))
            usage = colder(times(sold.usage, tokens), ALL)
            rated = rate_batch(asked.after, sold._replace(usage=usage))
            cost = (rated.amounts_nanos * then.ppm[place] + PPM // 2) // PPM
            steps.escalated[place] += cost
            steps.good[place] &= rated.priced


def _first(calls: Calls, asked: Scenario) -> _Steps:
    """Return the steps with nobody moved: by the old prices, by the new ones, with seats."""
    batch = calls.batch
    before = after = rate_batch(asked.before, batch)
    if asked.on_ns is not None or asked.after is not asked.before:
        at_ns = on_day(batch.at_ns, asked.on_ns)
        after = rate_batch(asked.after, batch._replace(at_ns=at_ns))
    carried = refused = prices = after.amounts_nanos
    refusals = np.zeros(calls.total, np.bool_)
    served, lines = ~refusals, tuple[SeatLine, ...]()
    if asked.seats is not None:
        had = seated(calls, asked.seats, before.amounts_nanos, before.priced)
        carried = refused = np.where(had.carried, 0, prices)
        served, lines = ~had.carried, had.lines
        if asked.seats.refuses:
            refusals, served = had.beyond, served & ~had.beyond
            refused = np.where(refusals, 0, carried)
    return _Steps(
        rating=before.amounts_nanos,
        prices=prices,
        carried=carried,
        refused=refused,
        models=refused.copy(),
        tokens=refused.copy(),
        cache=refused.copy(),
        escalated=refused.copy(),
        good=before.priced & after.priced,
        served=served,
        refusals=refusals,
        moved=np.zeros(calls.total, np.bool_),
        chained=np.zeros(calls.total, np.bool_),
        checks_nanos=np.zeros(calls.total, np.int64),
        moves=[],
        seats=lines,
    )


def _allowed(calls: Calls, asked: Scenario) -> Flags:
    if not asked.only:
        return np.ones(calls.total, np.bool_)
    chosen = np.array([name in asked.only for name in calls.classes], np.bool_)
    allowed: Flags = chosen[calls.class_of]
    return allowed


def _dated(batch: Batch, asked: Scenario, place: Integers, way: Way) -> Batch:
    """Return some calls as they would be served, with their tokens as they were."""
    at_ns = on_day(batch.at_ns[place], asked.on_ns)
    return Batch((way,), np.zeros(len(place), np.int64), at_ns, some(batch.usage, place))


def _cold(usage: Integers, asked: Scenario, warm: Flags | None, place: Integers) -> Integers:
    """Return what calls read where they went, given where their prompt was cached."""
    if warm is None:
        return colder(usage, asked.cache_loss)
    return np.where(warm[place][:, None], usage, colder(usage, ALL))


def _name(way: Way) -> str:
    return f"{way[0]}/{way[1]}"


def _told(calls: Calls, asked: Scenario, steps: _Steps, good: Flags) -> Replay:
    """Return the sums by class of calls that are good."""
    every = len(calls.classes)
    class_of, posted = calls.class_of[good], calls.posted_nanos[good]

    def by_class(values: Integers) -> tuple[int, ...]:
        return sums(values, class_of, every)

    lines: dict[str, tuple[int, ...]] = {}
    amounts: list[Integers] = [getattr(steps, name) for name in _STEPS]
    before, was = calls.posted_nanos, by_class(posted)
    for name, after in zip(_STEPS, amounts, strict=True):
        would = was if after is before else by_class(after[good])
        lines[name] = tuple(late - early for late, early in zip(would, was, strict=True))
        before, was = after, would
    moved = steps.moved[good]
    again = by_class(np.where(moved, steps.escalated[good], 0))
    lines["retries"] = tuple(round_half_up(asked.retries * one) for one in again)
    # A policy that verifies answers says what that costs; elsewhere it is a share of what was paid.
    checked = by_class(np.where(moved & ~steps.chained[good], posted, 0))
    own = by_class(steps.checks_nanos[good])
    share = asked.checks * asked.check_cost
    lines["checks"] = tuple(
        round_half_up(share * one) + known for one, known in zip(checked, own, strict=True)
    )
    fees = (seat.by_class for seat in steps.seats)
    lines["seats"] = tuple(map(sum, zip(*fees, strict=True))) or (0,) * every
    return Replay(
        calls.classes,
        by_class(np.ones(len(posted), np.int64)),
        by_class(posted),
        lines,
        tuple(_moves(steps, good)),
        int((~good).sum()),
        int(calls.posted_nanos[~good].sum()),
        steps.seats,
        int((good & steps.refusals).sum()),
    )


def _moves(steps: _Steps, good: Flags) -> list[Move]:
    """Return who serves instead of whom, whatever the terms; the largest first."""
    found: dict[tuple[str, str], Move] = {}
    for way, target, moved, tokens in steps.moves:
        place = moved[good[moved]]
        old, new = _name(way), _name(target)
        _, _, calls, was, would, _ = found.get((old, new), (old, new, 0, 0, 0, tokens))
        was, would = was + int(steps.prices[place].sum()), would + int(steps.models[place].sum())
        found[old, new] = Move(old, new, calls + len(place), was, would, tokens)
    return sorted(found.values(), key=lambda move: (-move.was_nanos, move.old, move.new))
