"""What past calls cost elsewhere: by their own tokens, at the prices of there.

What their old place read from a cache is fresh there, unless the new place was warm.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.economics.prices.bulk import Batch, Way, rate_batch
from headgate.economics.replays.load_served import Served
from headgate.economics.whatif.quantities import as_sold, colder
from headgate.records.demand import STANDARD

ALL = Fraction(1)


class Asked(NamedTuple):
    """A call asked of a deployment; `warm`: its prompt's prefix would have been cached there."""

    call: Served
    there: str
    warm: bool


class Cost(NamedTuple):
    """What a call costs, None where it has no price; and the part that is for a cold cache."""

    nanos: int | None
    cold_nanos: int = 0


def rated(
    asks: Sequence[Asked], book: PriceBook, deployments: Mapping[str, Deployment]
) -> list[Cost]:
    """Return what calls cost where they are asked, in their order."""
    costs = [Cost(None)] * len(asks)
    ways = [_way(each, book, deployments) for each in asks]
    for way in dict.fromkeys(way for way in ways if way is not None):
        numbers = [number for number, each in enumerate(ways) if each == way]
        usage = np.array([tuple(asks[number].call.usage) for number in numbers], np.int64)
        at_ns = np.array([asks[number].call.at_ns for number in numbers], np.int64)
        sold, found = as_sold(book, Batch((way,), np.zeros(len(numbers), np.int64), at_ns, usage))
        cold = rate_batch(book, sold._replace(usage=colder(sold.usage, ALL)))
        for place, number in enumerate(numbers):
            if not (found.priced[place] and cold.priced[place]):
                continue
            warm_nanos, cold_nanos = int(found.amounts_nanos[place]), int(cold.amounts_nanos[place])
            loss = 0 if asks[number].warm else cold_nanos - warm_nanos
            costs[number] = Cost(warm_nanos + loss, loss)
    return costs


def _way(asked: Asked, book: PriceBook, deployments: Mapping[str, Deployment]) -> Way | None:
    deployment = deployments.get(asked.there)
    return None if deployment is None else way_of(asked.call, deployment, book)


def way_of(call: Served, deployment: Deployment, book: PriceBook) -> Way:
    """Return what prices a call at a deployment: list terms, and contracts that hold for it."""
    own = (f"deployment:{deployment.id}", f"provider:{deployment.provider}")
    nodes = tuple(node for node in (*call.nodes, *own) if node in book.contract_nodes)
    return deployment.seller, deployment.priced_as, STANDARD._replace(nodes=nodes)
