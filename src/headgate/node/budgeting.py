"""The steward's part of budgets: their limits now, what periods had, and their alarms."""

from collections.abc import Callable

from sqlalchemy import Engine

from headgate.budgets import keeper
from headgate.budgets.limits import Limits
from headgate.budgets.standing import standings
from headgate.budgets.store_periods import keep_periods
from headgate.ledger.keeper import Keeper
from headgate.node.rules import Rules


class Budgeting:
    """Looks after the budgets of the rules in force.

    Attributes:
        limits: Tells the limit of each window; right once `begin` has the books.
    """

    def __init__(self, rules: Rules, engine: Engine, raised: Callable[[str], int]) -> None:
        self._rules = rules
        self._engine = engine
        self.limits = Limits(rules.budgets, raised)
        self._keeper: Keeper | None = None

    def begin(self, keeper: Keeper, now_ns: int) -> None:
        """Go by its books from now on."""
        self._keeper = keeper
        self.limits.used = keeper.follow(self.limits.beside)
        self.keep_periods(now_ns)

    def keep_periods(self, now_ns: int) -> None:
        """Keep the limits that periods have, for what is carried over from them."""
        snapshot = self._rules.snapshot
        assert self._keeper is not None
        look = self._keeper.source.look
        with self._engine.begin() as connection:
            budgets = snapshot.budgets.values()
            keep_periods(connection, budgets, self.limits, now_ns, snapshot.zone, look)

    def watch(self, now_ns: int) -> None:
        """Look at what budgets spend, and raise or end their alarms."""
        self.keep_periods(now_ns)
        budgets, zone = self._rules.snapshot.budgets, self._rules.snapshot.zone
        with self._engine.begin() as connection:
            found = standings(connection, budgets.values(), now_ns, zone, runs=())
            keeper.watch(connection, found, budgets, now_ns)
