"""Borrowing as a worker does, of a keeper or a line in this process."""

from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Borrowing, Need


def borrow(keeper: Keeper, journal: str, windows: dict[str, int]) -> dict[str, int]:
    """Borrow an amount of each of some windows, or what is left of it; returns what is lent now."""
    needs = [
        Need(number, (window,), nanos, shorten=True)
        for number, (window, nanos) in enumerate(windows.items(), 1)
    ]
    keeper.line.borrow(journal, Borrowing(needs, {}, {}, {}), 0)
    keeper.lend(0)
    leases = {window: keeper.book.windows[window].leases.get(journal) for window in windows}
    return {window: 0 if lease is None else lease.granted_nanos for window, lease in leases.items()}


def give_back(keeper: Keeper, journal: str, amounts: dict[str, int]) -> None:
    """Give money back."""
    keeper.line.returned(journal, amounts)
    keeper.lend(0)
