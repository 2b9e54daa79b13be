"""The steward's side of approvals: keeps what people are asked, and tells workers of it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine

from headgate.budgets import store_raises
from headgate.budgets.store_raises import Raise
from headgate.governance import keeper
from headgate.governance.keeper import Decision
from headgate.governance.requests import Request, why_altered, why_ended, why_not_decide
from headgate.governance.settings import Rule
from headgate.node.messages import AskApproval, Decided, LetGo, Message, UseApproval, pack
from headgate.records.approval import Asking, Shown, ShownRaise, Told, digest_of
from headgate.store.dialect import hold_lock
from headgate.units import errors
from headgate.units.errors import Refusal

LOOK_S = 0.5
TOO_MANY = Refusal(
    errors.OVERLOADED, f"{keeper.PENDING_MAX} requests of this principal wait to be decided."
)

SHOWN: Mapping[str, type[Shown | ShownRaise]] = {"call": Shown, "raise": ShownRaise}
"""What approvers are shown, by the kind of request."""


class Living(Protocol):
    """Whoever knows the workers."""

    def living_anywhere(self) -> set[str]:
        """Return the journals of workers that are connected, or may be soon, at whatever node."""

    def tell_workers(self, data: bytes) -> None:
        """Send a packed message to every worker."""


class Approving:
    """Requests for approval in the store.

    Args:
        engine: The store, for writing.
        workers: Who is told.
        rules: Returns the rules in force, by id.
    """

    def __init__(
        self, engine: Engine, workers: Living, rules: Callable[[], Mapping[str, Rule]]
    ) -> None:
        self._engine = engine
        self._workers = workers
        self._rules = rules
        self._raises: list[Raise] = []
        # What workers here wait for: another node's console may decide it.
        self._asked: set[str] = set()
        self.read_raises()

    def answer(self, message: Message, journal: str) -> Decided | None:
        """Do what a worker asks; returns the answer, None when there is none."""
        if isinstance(message, AskApproval):
            return Decided(self._ask(message.asking, journal))
        if isinstance(message, UseApproval):
            return Decided(self._use(message.asking))
        assert isinstance(message, LetGo), message
        self._asked.discard(message.approval)
        with self._change() as connection:
            keeper.let_go(connection, message.approval, time.time_ns(), withdrawn=message.withdrawn)
        return None

    def _ask(self, asking: Asking, journal: str) -> Told:
        with self._change() as connection:
            request = keeper.ask(connection, asking, journal, time.time_ns())
        if request is None:
            return _refused(asking, TOO_MANY)
        self._asked.add(asking.approval)
        return _told(request, asking.call)

    def _use(self, asking: Asking) -> Told:
        with self._change() as connection:
            request = keeper.find(connection, asking.approval)
            now_ns = time.time_ns()
            refusal = _why_not_use(request, asking, now_ns)
            if refusal is not None:
                return _refused(asking, refusal)
            assert request is not None
            if request.status == "approved":
                keeper.use(connection, request, asking.call, now_ns)
                request = request._replace(status="used", used_by=asking.call)
        return _told(request, asking.call)

    def decide(self, name: str, decision: Decision, digest: str) -> Request | Refusal:
        """Decide about a request as it was shown, durably, and tell whoever waits for it."""
        with self._change() as connection:
            request, now_ns = keeper.find(connection, name), time.time_ns()
            if request is None:
                return Refusal(errors.APPROVAL_UNKNOWN, errors.APPROVAL_UNKNOWN.sentence)
            if request.status == "pending" and request.expires_ns <= now_ns:
                return Refusal(errors.APPROVAL_EXPIRED, f"{name} may be decided no more.")
            rule = self._rules().get(request.rule)
            refusal = why_not_decide(
                request,
                by=decision.by,
                approvers=() if rule is None else rule.approvers,
                digest=digest,
                actual=digest_of(msgspec.json.decode(request.shown, type=SHOWN[request.kind])),
            )
            if refusal is not None:
                return refusal
            request = keeper.decide(connection, request, decision, now_ns)
            if request.kind == "raise" and request.status == "approved":
                keeper.put_in_force(connection, request, decision.by, now_ns)
                request = request._replace(status="used")
        if request.kind == "raise":
            self.read_raises()
        else:
            self._tell(request)
        return request

    def ask_raise(self, shown: ShownRaise, request: Request) -> Refusal | None:
        """Keep a request for a raise; returns why it is not kept, None when it is."""
        with self._change() as connection:
            return None if keeper.ask_raise(connection, request, shown) else TOO_MANY

    def raised(self, budget: str) -> int:
        """Return by how much a budget's limit is raised now, in nano-dollars."""
        now_ns = time.time_ns() if self._raises else 0
        return sum(
            each.by_nanos
            for each in self._raises
            if each.budget == budget and now_ns < each.until_ns
        )

    def read_raises(self) -> None:
        """Go by the raises that the store has."""
        with self._engine.connect() as connection:
            self._raises = store_raises.in_force(connection, time.time_ns())

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """Change requests, whole or not at all, while no other node does."""
        with self._engine.begin() as connection:
            hold_lock(connection, "approvals")
            yield connection

    def look_again(self) -> None:
        """Take up what was decided at another node."""
        self.read_raises()
        with self._engine.connect() as connection:
            found = [keeper.find(connection, name) for name in self._asked]
        for request in found:
            if request is not None and request.status != "pending":
                self._tell(request)

    def _tell(self, request: Request) -> None:
        self._asked.discard(request.id)
        self._workers.tell_workers(pack(Decided(_told(request, ""))))

    async def watch_always(self) -> None:
        """End what is open for too long, or waited for by nobody; twice a second."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.watch(time.time_ns())

    def watch(self, now_ns: int) -> None:
        """End what is open for too long, or waited for by nobody."""
        with self._change() as connection:
            late = keeper.expire(connection, now_ns)
            keeper.withdraw_of_the_dead(connection, self._workers.living_anywhere(), now_ns)
            store_raises.tell_ended(connection, now_ns)
            ended = [keeper.find(connection, name) for name in late]
        for request in ended:
            assert request is not None
            if request.kind == "call":
                self._tell(request)


def shown_of(request: Request) -> Shown:
    """Return what approvers are shown of a call."""
    return msgspec.json.decode(request.shown, type=Shown)


def _why_not_use(request: Request | None, asking: Asking, now_ns: int) -> Refusal | None:
    shown = asking.shown
    # Whose it is, nobody else is told.
    if request is None or request.kind != "call" or request.principal != shown.principal:
        message = f"This principal has asked for no approval {asking.approval!r}."
        return Refusal(errors.APPROVAL_UNKNOWN, message)
    if request.status == "used" and request.used_by == asking.call:
        return None
    if request.status in keeper.OPEN and request.expires_ns <= now_ns:
        return Refusal(errors.APPROVAL_EXPIRED, errors.APPROVAL_EXPIRED.sentence)
    kept = shown_of(request)
    if digest_of(kept) != request.digest:
        return Refusal(errors.APPROVAL_ALTERED, f"{request.id} was altered in the store.")
    return why_ended(request) or why_altered(kept, shown)


def _told(request: Request, call: str) -> Told:
    refusal = None if request.used_by == call != "" else why_ended(request)
    if refusal is not None:
        return Told(
            request.id, call, request.status, code=refusal.code.code, message=refusal.message
        )
    return Told(
        approval=request.id,
        call=call,
        status=request.status,
        quote_nanos=shown_of(request).quote_nanos,
        digest=request.digest,
        expires_ns=request.expires_ns,
    )


def _refused(asking: Asking, refusal: Refusal) -> Told:
    return Told(
        asking.approval, asking.call, "pending", code=refusal.code.code, message=refusal.message
    )
