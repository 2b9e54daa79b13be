"""Allotments: money that delegations and others have for themselves, carved from above; pure.

An allotment is a window like a budget's, of which calls are held alone: above it the whole of it
is carved, used or not, so that nothing is counted twice. When its delegation is over, only what
was used of it stays carved, and the rest flows back.
"""

from collections.abc import Collection
from typing import NamedTuple

from headgate.units.ids import CARVED, window_key

ID_CHARS = 16
BATCH = "batch:"
"""What the windows of batches' allotments begin with: they end when the batch is in the books, and
by nothing else."""
BUDGET = "budget:"
"""What the nodes of budgets' allotments begin with; they end with their period, or when the
configuration carves them no more."""


class Allotment(NamedTuple):
    """What a delegation was allotted, or set aside for a budget.

    Attributes:
        window: Its key.
        parents: The windows it is carved from: the allotment above, or the budgets of its
            principal at the time of its first use.
        key: The key its delegation descends from; empty for batches and budgets, which no key
            ends.
        chain: The delegations from the key's own child down to this one, by their ids.
        node: `agent:PRINCIPAL/NAME/...`, or `run:`, `batch:`, `budget:` and whose it is.
        until_ns: When it ends, None for never.
    """

    window: str
    amount_nanos: int
    parents: tuple[str, ...]
    key: str
    chain: tuple[str, ...]
    node: str
    until_ns: int | None = None

    def has_ended(self, now_ns: int) -> bool:
        """Tell whether its time is over."""
        return self.until_ns is not None and self.until_ns <= now_ns

    def is_over(self, now_ns: int, keys: Collection[str], revoked: Collection[str]) -> bool:
        """Tell whether its delegation is over.

        Args:
            now_ns: The time.
            keys: Those that are valid.
            revoked: Delegations that were revoked, by their ids.
        """
        lost = bool(self.key) and self.key not in keys
        gone = lost or any(each in revoked for each in self.chain)
        return gone or self.has_ended(now_ns)


class Short(NamedTuple):
    """Why an allotment was not carved: a window above it has too little left."""

    window: str
    above: str
    left_nanos: int


def allotment_window(node: str, delegation: str) -> str:
    """Return the key of an allotment's window."""
    return window_key(f"{node}{CARVED}{delegation[:ID_CHARS]}", "once")


def batch_window(principal: str, batch: str) -> str:
    """Return the key of the window of a batch's allotment."""
    return window_key(f"{BATCH}{principal}/{batch}", "once")
