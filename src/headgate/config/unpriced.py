"""Finding deployments that nothing prices: a slip in `model`, or a `[[prices]]` row to write."""

from headgate.catalog.facts import near_names
from headgate.config.snapshot import Snapshot
from headgate.records.demand import STANDARD
from headgate.units.errors import Problem


def unpriced(snapshot: Snapshot, at_ns: int) -> tuple[Problem, ...]:
    """Return a problem for each deployment whose model has no standard price at an instant.

    None is an error: a deployment that no budget stands above may run unpriced.
    """
    return tuple(
        Problem(
            snapshot.file,
            f"deployments.{one.id}",
            f"{one.seller}/{one.priced_as} has no price; calls under a budget will be refused.",
            _fix(snapshot, one.seller, one.priced_as),
        )
        for one in snapshot.deployments.values()
        if snapshot.price_book.rate_card(
            one.seller, one.priced_as, STANDARD._replace(nodes=one.nodes), at_ns
        )
        is None
    )


def _fix(snapshot: Snapshot, seller: str, model: str) -> str:
    known = (name for _seller, name in snapshot.price_book.models(seller))
    close = near_names(model, known, limit=1)
    return f"Did you mean {close[0]}?" if close else "Add its price: a [[prices]] row."
