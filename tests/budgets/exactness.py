"""Workers and a steward's book in one process, for histories over random trees of budgets."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from headgate.budgets.limits import Limits
from headgate.budgets.settings import Budget
from headgate.catalog.settings import Deployment
from headgate.gateway.money.allotments import Allotments, Lender
from headgate.gateway.money.paths import SpendPath
from headgate.identity.directory import Credential, Directory
from headgate.ledger import slices
from headgate.ledger.book import LeaseBook
from headgate.ledger.line import Borrowing, Line
from headgate.ledger.purse import Short, Waiting


class Open:
    """A hold that is open."""

    def __init__(self, path: SpendPath, amount: int, at_ns: int) -> None:
        self.path, self.amount, self.at_ns = path, amount, at_ns


class Bank:
    """The steward's side: its book and its line, by the budgets in force."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self.budgets = {each.id: each for each in budgets}
        self.book = LeaseBook()
        self.limits = Limits(self.budgets)
        self.limits.used = self.book.used
        self.line = Line(self.book, lambda window: self.limits(window) or 0)
        self.line.beside = self.limits.beside
        self.workers: dict[str, Worker] = {}

    def serve(self, worker: "Worker", borrowing: Borrowing) -> None:
        """Answer a worker, and whoever is recalled from."""
        self.line.borrow(worker.journal, borrowing, 0)
        heard, outcomes = True, self.line.decide(0)
        while heard or outcomes:
            for journal, grants in self.line.grants().items():
                if journal != worker.journal:
                    self.workers[journal].allotments.purse.lent(grants, [], heard=False)
                else:
                    worker.allotments.purse.lent(grants, outcomes, heard=heard)
                    heard, outcomes = False, []
            if heard or outcomes:
                worker.allotments.purse.lent({}, outcomes, heard=heard)
            for recall in self.line.recalls():
                purse = self.workers[recall.journal].allotments.purse
                self.line.returned(recall.journal, purse.release(recall.windows), recall.number)
            heard, outcomes = False, self.line.decide(0)

    def move(self, worker: "Worker", windows: Sequence[str], posted: int, held: int) -> None:
        """Fold what a worker did on some windows."""
        for window in windows:
            self.book.account(window, self.limits(window) or 0)
            self.book.post(worker.journal, window, posted, held)


class Worker:
    """One worker of a configuration."""

    def __init__(self, bank: Bank, journal: str, lineages: Mapping[str, tuple[str, ...]]) -> None:
        self.bank, self.journal = bank, journal
        self.asked: list[Borrowing] = []
        lender = Lender(self._ask, lambda _allotments: True, self._give_back)
        directory = Directory(b"pepper")
        self.allotments = Allotments(lender, directory, bank.budgets.values(), UTC, lineages)
        bank.workers[journal] = self
        bank.line.meet(journal)

    def _ask(self, borrowing: Borrowing) -> bool:
        self.asked.append(borrowing)
        return True

    def _give_back(self, amounts: dict[str, int], _over: Sequence[str]) -> bool:
        self.bank.line.returned(self.journal, amounts)
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
        purse, told = self.allotments.purse, list[Short | str | None]()
        if purse.try_hold(path.slices, amount) is not None:
            path = path.renewed(purse)
            purse.wait(Waiting(path.slices, amount, told.append, 0))
            while self.asked:
                self.bank.serve(self, self.asked.pop(0))
            if told != [None]:
                return None
        self.bank.move(self, path.windows, 0, amount)
        return Open(path, amount, now_ns)

    def settle(self, hold: Open, posted: int) -> None:
        """End a hold, and fold it."""
        slices.settle(hold.path.slices, hold.amount, posted)
        self.bank.move(self, hold.path.windows, posted, -hold.amount)
