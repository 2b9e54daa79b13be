"""Workers and a steward's book in one process, for histories over random trees of budgets."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from headgate.budgets.limits import Limits
from headgate.budgets.settings import Budget
from headgate.catalog.settings import Deployment
from headgate.gateway.allotments import Allotments, Lender
from headgate.gateway.paths import SpendPath
from headgate.identity.directory import Credential, Directory
from headgate.ledger import slices
from headgate.ledger.book import LeaseBook
from headgate.ledger.purse import Need, Waiting
from headgate.ledger.slices import Slice


class Open:
    """A hold that is open."""

    def __init__(self, path: SpendPath, amount: int, at_ns: int) -> None:
        self.path, self.amount, self.at_ns = path, amount, at_ns


class Bank:
    """The steward's side: its book, by the budgets in force."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self.budgets = {each.id: each for each in budgets}
        self.book = LeaseBook()
        self.limits = Limits(self.budgets)
        self.limits.used = self.book.used

    def lend(self, journal: str, needs: Sequence[Need]) -> dict[str, int]:
        """Lend as the keeper does, but all that is wanted: so that money lies idle everywhere."""
        granted = {}
        for need in needs:
            self.book.account(need.window, self.limits(need.window) or 0)
            wanted = need.need_nanos + need.want_nanos
            granted[need.window] = self.book.lend(
                journal, need.window, need_nanos=wanted, want_nanos=0
            )
        return granted


class Worker:
    """One worker of a configuration."""

    def __init__(self, bank: Bank, journal: str, lineages: Mapping[str, tuple[str, ...]]) -> None:
        self.bank, self.journal = bank, journal
        self.asked: list[Sequence[Need]] = []
        lender = Lender(self._ask, lambda _allotments: True, self._give_back)
        directory = Directory(b"pepper")
        budgets = bank.budgets.values()
        self.allotments = Allotments(lender, directory, budgets, UTC, lineages)

    def _ask(self, needs: Sequence[Need]) -> bool:
        self.asked.append(needs)
        return True

    def _give_back(self, amounts: dict[str, int]) -> bool:
        for window, amount in amounts.items():
            self.bank.book.give_back(self.journal, window, amount)
        return True

    def call(
        self,
        credential: Credential,
        tags: tuple[str, ...],
        deployment: Deployment,
        amount: int,
        now_ns: int,
    ) -> Open | None:
        """Make a call; None when it is refused."""
        path = self.allotments.paths.find(credential, None, tags, now_ns).toward(deployment)
        purse, told = self.allotments.purse, list[Slice | str | None]()
        if purse.try_hold(path.slices, amount) is None:
            return Open(path, amount, now_ns)
        purse.wait(Waiting(path.slices, amount, told.append, 0))
        while self.asked:
            purse.granted(self.bank.lend(self.journal, self.asked.pop(0)), answer=True)
        return Open(path, amount, now_ns) if told == [None] else None

    def settle(self, hold: Open, posted: int) -> None:
        """End a hold, and fold it."""
        slices.settle(hold.path.slices, hold.amount, posted)
        for window in hold.path.windows:
            self.bank.book.account(window, self.bank.limits(window) or 0)
            self.bank.book.post(self.journal, window, posted)
