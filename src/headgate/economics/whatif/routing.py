"""Who would have served imported calls by a policy, among models that are named.

A log has a call's tokens and so its price with any model, and nothing of how good answers are or
how long they take: a policy that goes by more than prices has no evidence here, and is refused.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.economics.inputs import InputError
from headgate.economics.prices.bulk import Batch, Integers, Way, rate_batch, some
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.moves import STAYS, Moves
from headgate.economics.whatif.quantities import as_sold, on_day, times
from headgate.routing.candidate import Quoted
from headgate.routing.policies.registry import NO_INPUTS, Chosen
from headgate.routing.replaying import ranked_by

CANDIDATES_MAX = 16
UNPRICED = -1

Tokens = Callable[[str, str], Fraction]
"""From two models, `seller/model` each, to the tokens that the second makes of one of the first."""


def check_policy(policy: Chosen, models: Sequence[tuple[str, str]]) -> None:
    """Refuse what imported calls cannot be routed by.

    Raises:
        InputError: The policy goes by what no log has, or there is nobody to choose between.
    """
    if policy.needs:
        raise InputError(
            f"{policy.settings.name} goes by {' and '.join(sorted(policy.needs))}, "
            "which imported logs do not have.",
            "Take one that goes by prices, such as cheapest; or ask the books.",
        )
    if not 2 <= len(models) <= CANDIDATES_MAX:
        raise InputError(
            f"A policy has {len(models)} models to choose between.",
            f"Name 2 to {CANDIDATES_MAX}: --among MODEL for each, the preferred one first.",
        )


class Ground(NamedTuple):
    """What imported calls are routed on.

    Attributes:
        models: Among which, as seller and model, in the order of a route.
        book: The prices they are chosen by.
        on_ns: The day whose prices hold; None for each call's own.
        tokens: How tokenisers differ.
    """

    models: Sequence[tuple[str, str]]
    book: PriceBook
    on_ns: int | None
    tokens: Tokens


def routed(calls: Calls, policy: Chosen, ground: Ground) -> Moves:
    """Return who would have served the calls.

    Args:
        calls: The calls, whose order is that of the turns of a policy that spreads them.
        policy: One that `check_policy` lets pass.
        ground: What they are routed on.
    """
    models = ground.models
    costs = np.stack([_costs(calls, model, ground) for model in models], 1)
    deployments = [
        Deployment("/".join(model), model[0], model[1], *model, 0, 0, 0) for model in models
    ]
    place = {one.id: number for number, one in enumerate(deployments)}
    first = np.empty(calls.total, np.int64)
    units = [calls.whos[number].name for number in calls.who_of.tolist()]
    for turn, (unit, row) in enumerate(zip(units, costs.tolist(), strict=True)):
        quoted = [
            Quoted(one, None if cost == UNPRICED else cost, position)
            for position, (one, cost) in enumerate(zip(deployments, row, strict=True))
        ]
        inputs = policy.arms_for(unit) if policy.arms else NO_INPUTS
        first[turn] = place[ranked_by(quoted, policy, inputs, turn=turn)[0].deployment.id]
    unpriced = zip(deployments, (costs == UNPRICED).sum(0).tolist(), strict=True)
    notes = (
        f"{one.id} has no price for {many} calls at their time, so it is not chosen for them."
        for one, many in unpriced
        if many
    )
    return _moves(calls, models, first)._replace(notes=tuple(notes))


def _costs(calls: Calls, model: tuple[str, str], ground: Ground) -> Integers:
    """Return what each call costs with a model, by its tokeniser; `UNPRICED` without a price."""
    book, batch = ground.book, calls.batch
    found = np.full(calls.total, UNPRICED, np.int64)
    for number, way in enumerate(batch.ways):
        place = np.flatnonzero(batch.way == number)
        at_ns, none = on_day(batch.at_ns[place], ground.on_ns), np.zeros(len(place), np.int64)
        there = Batch(((*model, way[2]),), none, at_ns, some(batch.usage, place))
        sold, _ = as_sold(book, there)
        share = ground.tokens("/".join(way[:2]), "/".join(model))
        rated = rate_batch(book, sold._replace(usage=times(sold.usage, share)))
        found[place] = np.where(rated.priced, rated.amounts_nanos, UNPRICED)
    return found


def _moves(calls: Calls, models: Sequence[tuple[str, str]], first: Integers) -> Moves:
    """Return the moves on each call's own terms; who is chosen and served already, stays."""
    targets: dict[Way, int] = {}
    numbers = np.array(
        [
            [
                STAYS if model == way[:2] else targets.setdefault((*model, way[2]), len(targets))
                for model in models
            ]
            for way in calls.batch.ways
        ]
        or [[STAYS] * len(models)],
        np.int64,
    )
    return Moves(tuple(targets), numbers[calls.batch.way, first])
