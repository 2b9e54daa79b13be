"""Rates a period again, step by step, so that each thing that changes is a line of its own.

The lines of a class add up: what was posted and all of them is what it would have cost. A call that
some step has no price for is left out of every line, and counted.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.economics.inputs import Inputs
from headgate.economics.prices.bulk import Batch, Flags, Integers, Rated, Way, rate_batch
from headgate.economics.whatif.calls import Calls, sums
from headgate.economics.whatif.scenario import Scenario
from headgate.economics.whatif.tokenisers import Family, factor
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.money import round_half_up
from headgate.units.usage import METERS

DAY_NS = 24 * 3600 * NANOS_PER_SECOND
_STEPS = ("rating", "prices", "models", "tokens", "cache")
LINES = (*_STEPS, "retries", "checks")

_AT = {meter: place for place, meter in enumerate(METERS)}
_CACHE_READ, _INPUT, _SEARCH = _AT["cache_read"], _AT["input_uncached"], _AT["web_search"]
_PARTS = 1_000_000
"""Shares and factors are taken to a millionth, so that products with counts fit into 64 bits."""
_INSTEAD = (
    ("cache_write_1h", "cache_write_5m"),
    ("cache_write_24h", "cache_write_5m"),
    ("cache_write_5m", "input_uncached"),
    ("cache_read", "input_uncached"),
)
"""What has no price with a model is the next of these there: fresh input at the end."""


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
        good: Of each call, whether it is in the figures.
    """

    classes: tuple[str, ...]
    calls: tuple[int, ...]
    posted_nanos: tuple[int, ...]
    lines: dict[str, tuple[int, ...]]
    moves: tuple[Move, ...]
    left_out: int
    left_out_nanos: int
    good: Flags

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
        moved: Whether another model serves it.
    """

    rating: Integers
    prices: Integers
    models: Integers
    tokens: Integers
    cache: Integers
    good: Flags
    moved: Flags


def replay(calls: Calls, asked: Scenario, inputs: Inputs, families: Sequence[Family]) -> Replay:
    """Return the period again, line by line.

    Args:
        calls: What was done.
        asked: What would have been different.
        inputs: Factors of tokenisers.
        families: Which model has which.
    """
    moves: list[Move] = []
    steps = _first(calls.batch, asked)
    allowed = _allowed(calls, asked)
    for number, way in enumerate(calls.batch.ways):
        target = asked.target(way)
        place = np.flatnonzero((calls.batch.way == number) & allowed)
        if target[:2] == way[:2] or not len(place):
            continue
        tokens = factor(inputs, families, _name(way), _name(target))
        _move(steps, place, _dated(calls.batch, asked, place, target), (asked, tokens))
        moves.append(_moved(steps, place, (way, target), tokens))
    return _told(calls, asked, steps, moves)


def _first(batch: Batch, asked: Scenario) -> _Steps:
    """Return the steps with nobody moved: the calls by the old prices, then by the new ones."""
    before = after = rate_batch(asked.before, batch)
    if asked.on_ns is not None or asked.after is not asked.before:
        at_ns = _on(batch.at_ns, asked.on_ns)
        after = rate_batch(asked.after, batch._replace(at_ns=at_ns))
    return _Steps(
        rating=before.amounts_nanos,
        prices=after.amounts_nanos,
        models=after.amounts_nanos.copy(),
        tokens=after.amounts_nanos.copy(),
        cache=after.amounts_nanos.copy(),
        good=before.priced & after.priced,
        moved=np.zeros(len(batch.way), np.bool_),
    )


def _on(at_ns: Integers, on_ns: int | None) -> Integers:
    """Return instants on another day, at the same time of day: some prices have hours."""
    return at_ns if on_ns is None else on_ns + at_ns % DAY_NS


def _allowed(calls: Calls, asked: Scenario) -> Flags:
    if not asked.only:
        return np.ones(calls.total, np.bool_)
    chosen = np.array([name in asked.only for name in calls.classes], np.bool_)
    allowed: Flags = chosen[calls.class_of]
    return allowed


def _dated(batch: Batch, asked: Scenario, place: Integers, way: Way) -> Batch:
    """Return some calls as they would be served, with their tokens as they were."""
    at_ns = _on(batch.at_ns[place], asked.on_ns)
    return Batch((way,), np.zeros(len(place), np.int64), at_ns, batch.usage[place])


def _move(steps: _Steps, place: Integers, batch: Batch, change: tuple[Scenario, Fraction]) -> None:
    """Rate moved calls: the same tokens, then as many as there would be, then with less cached."""
    asked, tokens = change
    sold, rated = as_sold(asked.after, batch)
    counted = sold._replace(usage=_times(sold.usage, tokens))
    cold = counted._replace(usage=colder(counted.usage, asked.cache_loss))
    known = sold
    for amounts, each in ((steps.models, sold), (steps.tokens, counted), (steps.cache, cold)):
        if each.usage is not known.usage:
            known, rated = each, rate_batch(asked.after, each)
        amounts[place] = rated.amounts_nanos
        steps.good[place] &= rated.priced
    steps.moved[place] = True


def _times(usage: Integers, factor_: Fraction) -> Integers:
    """Return counts of tokens times a factor; searches stay as many."""
    if factor_ == 1:
        return usage
    share = factor_.limit_denominator(_PARTS)
    scaled = (usage * share.numerator + share.denominator // 2) // share.denominator
    scaled[:, _SEARCH] = usage[:, _SEARCH]
    return scaled


def colder(usage: Integers, loss: Fraction) -> Integers:
    """Return quantities with a share of what the cache gave read afresh."""
    share = loss.limit_denominator(_PARTS)
    if not share:
        return usage
    lost = (usage[:, _CACHE_READ] * share.numerator + share.denominator // 2) // share.denominator
    colder = usage.copy()
    colder[:, _CACHE_READ] -= lost
    colder[:, _INPUT] += lost
    return colder


def as_sold(book: PriceBook, batch: Batch) -> tuple[Batch, Rated]:
    """Return calls on what a model sells of what they used, and what they cost so."""
    rated = rate_batch(book, batch)
    for meter, instead in _INSTEAD:
        missing = np.flatnonzero(~rated.priced)
        usage = batch.usage[missing]
        if not usage[:, _AT[meter]].any():
            continue
        usage[:, _AT[instead]] += usage[:, _AT[meter]]
        usage[:, _AT[meter]] = 0
        again = rate_batch(book, Batch(batch.ways, batch.way[missing], batch.at_ns[missing], usage))
        rated.amounts_nanos[missing], rated.priced[missing] = again
        batch = batch._replace(usage=batch.usage.copy())
        batch.usage[missing] = usage
    return batch, rated


def _moved(steps: _Steps, place: Integers, ways: tuple[Way, Way], tokens: Fraction) -> Move:
    good = place[steps.good[place]]
    old, new = ways
    return Move(
        _name(old),
        _name(new),
        len(good),
        int(steps.prices[good].sum()),
        int(steps.models[good].sum()),
        tokens,
    )


def _name(way: Way) -> str:
    return f"{way[0]}/{way[1]}"


def _told(calls: Calls, asked: Scenario, steps: _Steps, moves: Sequence[Move]) -> Replay:
    """Return the sums by class of what every step prices."""
    class_of, good = calls.class_of[steps.good], steps.good
    posted, moved = calls.posted_nanos[good], steps.moved[good]
    costs = [posted, *(step[good] for step in steps[: len(_STEPS)])]

    def by_class(values: Integers) -> tuple[int, ...]:
        return sums(values, class_of, len(calls.classes))

    lines = {
        name: by_class(after - before)
        for name, before, after in zip(_STEPS, costs, costs[1:], strict=False)
    }
    again = by_class(np.where(moved, costs[-1], 0))
    checked = by_class(np.where(moved, posted, 0))
    check = asked.checks * asked.check_cost
    lines["retries"] = tuple(round_half_up(asked.retries * one) for one in again)
    lines["checks"] = tuple(round_half_up(check * one) for one in checked)
    return Replay(
        calls.classes,
        by_class(np.ones(len(posted), np.int64)),
        by_class(posted),
        lines,
        tuple(sorted(moves, key=lambda move: (-move.was_nanos, move.old, move.new))),
        int((~good).sum()),
        int(calls.posted_nanos[~good].sum()),
        good,
    )
