"""Everything the data plane works with, resolved at load and wired by `headgate.app`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from headgate.capacity.retries import RetryBudget
from headgate.dialects.registry import Dialect
from headgate.gateway.books import Books
from headgate.gateway.clock import Coarse
from headgate.gateway.outbox import Outbox
from headgate.gateway.paths import Paths
from headgate.gateway.pool import Pool
from headgate.gateway.settings import Edge
from headgate.gateway.target import Target
from headgate.identity.directory import Directory
from headgate.ledger.purse import Purse
from headgate.routing.router import Router
from headgate.store.journal_writer import JournalWriter


class CallFinder(Protocol):
    """Finds finished calls, wherever they are kept."""

    def find_call(self, call: str, principal: str, found: Callable[[str | None], None]) -> bool:
        """Look a principal's call up; `found` gets its JSON or None. False: cannot look now."""


@dataclass(frozen=True, slots=True)
class World:
    """The data plane's parts.

    Attributes:
        dialects: By the path clients post to.
        targets: By deployment id.
        retries: What further attempts are paid from.
        now_ns: The clock.
        next_call: Makes the id of the next call.
        ready: Whether calls can be served (the steward has been met).
    """

    edge: Edge
    dialects: Mapping[bytes, Dialect]
    directory: Directory
    router: Router
    targets: Mapping[str, Target]
    retries: RetryBudget
    pools: tuple[Pool, ...]
    purse: Purse
    paths: Paths
    books: Books
    journal: JournalWriter
    clock: Coarse
    outbox: Outbox
    now_ns: Callable[[], int]
    next_call: Callable[[], str]
    ready: Callable[[], bool]
    finder: CallFinder
