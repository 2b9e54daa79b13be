"""Everything the data plane works with, resolved at load and wired by `headgate.app`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from headgate.capacity.classes import Classes
from headgate.capacity.retries import RetryBudget
from headgate.counting.tally import Tallier
from headgate.dialects.conversations import Conversations
from headgate.dialects.registry import Dialect, PathDialect
from headgate.gateway.bugs import Bugs
from headgate.gateway.caching import Caching
from headgate.gateway.client.request import Request
from headgate.gateway.clock import Coarse
from headgate.gateway.deferral import Deferral
from headgate.gateway.interpreter import Interpreter
from headgate.gateway.learning.appraisal import Appraisal
from headgate.gateway.learning.guards import Guards
from headgate.gateway.learning.notebook import Notebook
from headgate.gateway.learning.sessions import Sessions
from headgate.gateway.listener.access_log import AccessLog
from headgate.gateway.minutes import Minutes
from headgate.gateway.money.allotments import Allotments
from headgate.gateway.money.books import Books
from headgate.gateway.money.paths import Paths
from headgate.gateway.money.sizing import Sizing
from headgate.gateway.money.unbounded import Caps
from headgate.gateway.outbox import Outbox
from headgate.gateway.settings import Edge, ResponseCache
from headgate.gateway.upstream.pool import Pool
from headgate.gateway.upstream.target import Target
from headgate.governance.requirements import Rulebook
from headgate.governance.settings import Rule
from headgate.identity.directory import Directory
from headgate.identity.tags import Tagging
from headgate.ledger.purse import Purse
from headgate.ledger.settings import Idempotency
from headgate.records.approval import Clerk
from headgate.records.control import Control
from headgate.routing.router import Router
from headgate.store.journal_sync import JournalSync
from headgate.store.journal_writer import JournalWriter


@dataclass(frozen=True)
class World:
    """The data plane's parts.

    Attributes:
        dialects: By the path clients post to.
        conversations: What callers have sent before.
        interpreter: Says a call in the dialect of its target.
        rulebook: What is required of whose calls.
        tagging: What whose calls are tagged with.
        targets: By deployment id.
        bugs: Has the sweep go on behind a call at which a bug of ours was met.
        caching: What is known of the providers' prompt caches.
        sessions: What is known of sessions, for routes whose policy goes by them.
        retries: What further attempts are paid from.
        now_ns: The clock.
        next_call: Makes the id of the next call.
        guards: Count what runs do, None when nothing limits it.
        ready: Whether calls can be served (the steward has been met).
        classes: Which priority a call has.
        deferral: Which batch calls are put off to cheaper hours.
        approvals: The rules by which a person is asked, in the order of the file.
        minutes: Counts calls on what their callers may take a minute.
        notebook: What this worker has learned, to be told to the others.
        caps: What features without a bound may cost.
        sizing: Sizes expected holds.
        syncs: Has holds wait until they are on the disk; None when they need not.
        clerk: Gets requests for approval to the steward.
        contract_nodes: The nodes that have a contract with a provider.
        spool: Where forms with files are kept that are too large for memory; None for where the
            system has such files.
        batches: Where batches and files of batches lie; None: none are taken.
        appraisal: Says what policies go by beside prices; None when none of them asks.
        response_cache: How replies are kept to be given again; None where no route does.
        traced: Whether spans are sent to anybody, so that the client's is written down.
        access_log: Takes down each request, None for no log.
        tallier: Has texts counted by public tokenizers; None where none are installed.
    """

    edge: Edge
    dialects: dict[bytes, Dialect]
    conversations: Conversations
    interpreter: Interpreter
    caching: Caching
    sessions: Sessions
    directory: Directory
    rulebook: Rulebook
    tagging: Tagging
    router: Router
    targets: Mapping[str, Target]
    retries: RetryBudget
    pools: tuple[Pool, ...]
    purse: Purse
    paths: Paths
    allotments: Allotments
    books: Books
    journal: JournalWriter
    clock: Coarse
    outbox: Outbox
    bugs: Bugs
    now_ns: Callable[[], int]
    next_call: Callable[[], str]
    ready: Callable[[], bool]
    control: Control
    classes: Classes
    deferral: Deferral
    idempotency: Idempotency
    guards: Guards | None
    sizing: Sizing
    minutes: Minutes
    notebook: Notebook
    caps: Caps
    clerk: Clerk
    approvals: tuple[Rule, ...] = ()
    syncs: JournalSync | None = None
    contract_nodes: frozenset[str] = frozenset()
    spool: Path | None = None
    batches: Path | None = None
    traced: bool = False
    access_log: AccessLog | None = None
    appraisal: Appraisal | None = None
    response_cache: ResponseCache | None = None
    tallier: Tallier | None = None

    def dialect_of(self, request: Request) -> Dialect | None:
        """Return the dialect whose calls go to a request's path, None when none's do.

        What such a path says beside it, the request keeps as `named`.
        """
        head = request.head
        dialect = self.dialects.get(head.path)
        if dialect is not None:
            return dialect
        path, query = head.path.decode("latin-1"), head.query.decode("latin-1")
        for each in self.dialects.values():
            if "{model}" in each.PATH:
                located = cast(PathDialect, each)
                request.named = located.locate(path, query)
                if request.named is not None:
                    return located
        return None
