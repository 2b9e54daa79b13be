"""What a report's money left for estimated attempts is for each of them; pure.

The attempts of a cell cannot be told apart by a report, so what they come to together is shared
out in proportion, to the nano, and never above what was held for each.
"""

from collections.abc import Iterator, Sequence

from headgate.reconcile.cells import CellKey, Estimate
from headgate.records.adjustment import Adjustment

RECONCILED = "reconciled"


def shared_out(amount: int, estimates: Sequence[Estimate]) -> list[int]:
    """Return what each attempt comes to, in the order given.

    Less than what they stand at is taken from each in proportion to that; more is added in
    proportion to the room below their holds.

    Args:
        amount: What they come to together; between 0 and the sum of their holds.
        estimates: The attempts; what each stands at is at most its hold.
    """
    stands = [min(each.net_nanos, each.hold_nanos) for each in estimates]
    total = sum(stands)
    if amount <= total:
        return _in_proportion(amount, stands)
    room = [each.hold_nanos - one for each, one in zip(estimates, stands, strict=True)]
    added = _in_proportion(amount - total, room)
    return [one + more for one, more in zip(stands, added, strict=True)]


def _in_proportion(amount: int, weights: Sequence[int]) -> list[int]:
    """Share out an amount that is at most the sum of the weights, none getting above its own."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    shares = [amount * weight // total for weight in weights]
    rest = amount - sum(shares)
    # The largest remainders first; of equal ones the earlier.
    order = sorted(range(len(weights)), key=lambda at: (-(amount * weights[at] % total), at))
    for at in order[:rest]:
        shares[at] += 1
    return shares


def corrections(
    key: CellKey, target: int, estimates: Sequence[Estimate], source: str
) -> Iterator[Adjustment]:
    """Yield what brings estimated attempts to what a report left for them.

    The id counts the corrections before: asked for twice it is the same, and one that a later
    report needs is another.
    """
    ordered = sorted(estimates)
    for each, amount in zip(ordered, shared_out(target, ordered), strict=True):
        if amount != each.net_nanos:
            yield Adjustment(
                id=f"{RECONCILED}:{each.attempt}:{each.corrections + 1}",
                amount_nanos=amount - each.net_nanos,
                reason=RECONCILED,
                source=f"{source}, {key.model} on {key.day}",
                attempt=each.attempt,
            )
