"""Borrowing as a worker does, of a keeper in this process."""

from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Borrowing, Need


def borrow(keeper: Keeper, journal: str, windows: dict[str, int]) -> dict[str, int]:
    """Borrow an amount of each of some windows, or what is free of it; returns what is lent now."""
    free = {
        window: keeper.book.account(window, keeper.allotments.limit(window)).free_nanos
        for window in windows
    }
    needs = [
        Need(number, (window,), min(nanos, max(0, free[window])))
        for number, (window, nanos) in enumerate(windows.items(), 1)
    ]
    keeper.line.borrow(journal, Borrowing(needs, {}, {}, {}), 0)
    assert {each.need for each in keeper.lend(0).outcomes} == {need.id for need in needs}
    leases = {window: keeper.book.windows[window].leases[journal] for window in windows}
    return {window: lease.granted_nanos for window, lease in leases.items()}


def give_back(keeper: Keeper, journal: str, amounts: dict[str, int]) -> None:
    """Give money back."""
    keeper.line.returned(journal, amounts)
    keeper.lend(0)
