"""The steward's lease book: how much of each window may still be lent, pure.

At every moment, for every window: posted + lent + carved <= limit, where what a worker was lent
and what a delegation was allotted count whole, used or not. A worker's provider may bill beyond a
hold; then what it posted counts, not the smaller amount it was lent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

COMFORT: Final = 8
"""A window is comfortable while it could lend this many times what is wanted beyond the need."""


class Wanted(NamedTuple):
    """What is asked of one window: what calls wait for, and what would be good to have beyond."""

    need_nanos: int
    want_nanos: int


class Used(NamedTuple):
    """What of a window is posted and lost sight of, and whether it is an allotment that ended."""

    window: str
    posted_nanos: int
    unaccounted_nanos: int
    ended: bool = False


@dataclass(slots=True)
class Lease:
    """What one worker's epoch was lent of one window; posted and held as far as it is folded."""

    granted_nanos: int = 0
    posted_nanos: int = 0
    held_nanos: int = 0

    @property
    def counted_nanos(self) -> int:
        """What the lease takes from the window."""
        return max(self.granted_nanos, self.posted_nanos)


@dataclass(slots=True)
class WindowAccount:
    """One window: its limit, what closed leases posted, and the open leases by journal.

    Attributes:
        closed_nanos: Posted under leases that are closed.
        unaccounted_nanos: Lent to journals whose tail a power cut took; counted as spent.
        carved: The allotments that were carved from this window.
        spent_below_nanos: Used of allotments that were carved from it, have ended, and are at rest.
        ended: Whether this is an allotment whose delegation is over: nothing more is lent of it,
            and above it only what was used of it counts.
    """

    limit_nanos: int
    closed_nanos: int = 0
    unaccounted_nanos: int = 0
    leases: dict[str, Lease] = field(default_factory=dict)
    carved: list["WindowAccount"] = field(default_factory=list)
    spent_below_nanos: int = 0
    ended: bool = False

    @property
    def used_nanos(self) -> int:
        """What is posted, lent, carved or lost sight of."""
        lent = sum(lease.counted_nanos for lease in self.leases.values())
        carved = sum(each.claim_nanos for each in self.carved) + self.spent_below_nanos
        return self.closed_nanos + self.unaccounted_nanos + lent + carved

    @property
    def is_idle(self) -> bool:
        """Whether all that counts of it is its own postings: nothing is lent or was carved."""
        return not (self.leases or self.carved or self.spent_below_nanos)

    @property
    def claim_nanos(self) -> int:
        """What an allotment takes from the windows it was carved from."""
        return self.used_nanos if self.ended else max(self.limit_nanos, self.used_nanos)

    @property
    def free_nanos(self) -> int:
        """What may still be lent; negative when the limit was lowered below what is lent."""
        return 0 if self.ended else self.limit_nanos - self.used_nanos


def _never(window: str) -> Used:
    return Used(window, 0, 0)


class LeaseBook:
    """All windows but those at rest; each change is made durable before anyone acts on it.

    Attributes:
        windows: Their accounts.
        at_rest: Tells what was used of a window that has no account: the book need not have one of
            each run there ever was.
    """

    def __init__(self) -> None:
        self.windows: dict[str, WindowAccount] = {}
        self.at_rest: Callable[[str], Used] = _never

    def account(self, window: str, limit_nanos: int) -> WindowAccount:
        """Return the account of a window, opened when there is none; its limit is the argument."""
        account = self.windows.get(window)
        if account is None:
            _, posted, unaccounted, ended = self.at_rest(window)
            account = WindowAccount(limit_nanos, posted, unaccounted, ended=ended)
            self.windows[window] = account
        account.limit_nanos = limit_nanos
        return account

    def lay_to_rest(self, window: str) -> None:
        """Forget the account of a window, unless something is lent of it or was carved from it."""
        account = self.windows.get(window)
        if account is not None and account.is_idle:
            del self.windows[window]

    def used(self, window: str) -> int:
        """Return what is posted, lent, carved or lost sight of in a window."""
        account = self.windows.get(window)
        if account is not None:
            return account.used_nanos
        rest = self.at_rest(window)
        return rest.posted_nanos + rest.unaccounted_nanos

    def lease(self, journal: str, window: str) -> Lease | None:
        """Return what a worker's epoch was lent of a window, None for nothing."""
        account = self.windows.get(window)
        return None if account is None else account.leases.get(journal)

    def cost(self, journal: str, window: str, amount_nanos: int) -> int:
        """Return what lending so much takes from a window.

        That is less than the amount where the worker has posted more than it was lent, and the
        window has counted it already.
        """
        lease = self.windows[window].leases.get(journal)
        if lease is None:
            return amount_nanos
        return max(lease.granted_nanos + amount_nanos, lease.posted_nanos) - lease.counted_nanos

    def lend(self, journal: str, window: str, amount_nanos: int) -> None:
        """Lend; the caller has seen that what it costs is free."""
        lease = self.windows[window].leases.setdefault(journal, Lease())
        lease.granted_nanos += amount_nanos

    def give_back(self, journal: str, window: str, amount_nanos: int) -> int:
        """Take back what a worker no longer holds; returns the new cumulative amount lent."""
        assert amount_nanos >= 0
        lease = self.windows[window].leases[journal]
        lease.granted_nanos = max(lease.posted_nanos, lease.granted_nanos - amount_nanos)
        return lease.granted_nanos

    def post(self, journal: str, window: str, amount_nanos: int, held_nanos: int = 0) -> None:
        """Count what a journal says was posted, and how what it holds changed."""
        lease = self.windows[window].leases.setdefault(journal, Lease())
        lease.posted_nanos += amount_nanos
        lease.held_nanos += held_nanos

    def adjust(self, window: str, amount_nanos: int) -> None:
        """Count a correction, which is of no lease: it may be a credit."""
        self.windows[window].closed_nanos += amount_nanos

    def close(self, journal: str, window: str, *, trusted: bool) -> int:
        """End a lease whose journal is complete; returns what became unaccounted.

        Args:
            journal: The worker's epoch whose lease ends.
            window: The window it was lent of.
            trusted: Whether the journal is known to be whole. After a power cut it is not:
                the rest of the lease may have been spent, so it stays counted.
        """
        account = self.windows[window]
        lease = account.leases.pop(journal)
        account.closed_nanos += lease.posted_nanos
        lost = 0 if trusted else max(0, lease.granted_nanos - lease.posted_nanos)
        account.unaccounted_nanos += lost
        return lost
