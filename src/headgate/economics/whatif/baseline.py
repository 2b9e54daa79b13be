"""A scenario beside another one: the same calls, so that their difference is a saving."""

from collections.abc import Sequence

from headgate.catalog.prices import PriceBook
from headgate.economics.inputs import Inputs
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.replay import Replay, replay
from headgate.economics.whatif.scenario import EVERY, Scenario
from headgate.economics.whatif.tokenisers import Family


def everything_on(model: tuple[str, str], book: PriceBook) -> Scenario:
    """Return the baseline of one model for all calls, at the prices as they are, at its kindest.

    Nothing is added for caches, retries and checks: who has always had one model did not move.
    """
    return Scenario(book, book, models={EVERY: model})


def beside(
    calls: Calls, asked: Scenario, other: Scenario, inputs: Inputs, families: Sequence[Family]
) -> tuple[Replay, tuple[int, ...]]:
    """Return the replay of a scenario, and what the other costs by class, of calls both price."""
    first = replay(calls, other, inputs, families)
    kept = calls.only(first.good)
    would = replay(kept, asked, inputs, families)
    base = replay(kept.only(would.good), other, inputs, families)
    would = would._replace(
        left_out=would.left_out + first.left_out,
        left_out_nanos=would.left_out_nanos + first.left_out_nanos,
    )
    return would, tuple(base.would_of(number) for number in range(len(base.classes)))
