"""Step 5, approve: a call that falls under a rule waits until a person has decided.

It waits before it has a place or holds money. What it would cost is quoted again when it goes on:
if that is more than what was shown, a person is asked anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.gateway.client.http_bytes import whole
from headgate.gateway.client.pings import ping
from headgate.gateway.entry import find_path
from headgate.gateway.money.quotes import quote
from headgate.gateway.readings import RECEIVED
from headgate.gateway.refusals import stranger
from headgate.governance.rules import rule_for
from headgate.governance.settings import Rule
from headgate.records.approval import PROMPT_CHARS_MAX, Asking, Shown, Told
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

KEEP_ALIVE_MS: Final = 10_000

STEWARD_MS_MAX: Final = 5_000
"""How long a request may take to be kept; after that nobody is asked."""

ID_CHARS_MAX: Final = 128

_CODES: Final = {code.code: code for code in errors.CODES}
_STEWARD_GONE: Final = Refusal(errors.LEDGER_UNAVAILABLE, "Nobody can be asked just now.", None, 2)
_STOPPING: Final = Refusal(errors.SHUTTING_DOWN, errors.SHUTTING_DOWN.sentence, None, 5)


class Permission:
    """What a person is asked about a call, and whether it has been given.

    Attributes:
        approval: The request's id.
        number: How often the call has asked, this time too.
        ticket: Whether the client brought the request along from an earlier call.
        using: Whether it was approved and is being used up.
        given: Whether the call may go on, held at `quote_nanos` at most (None: at anything).
        kept: Whether the steward has it.
        since_ms: Coarse time at which the call began to wait.
        alive_ms: Coarse time at which its client last heard something.
    """

    __slots__ = (
        "alive_ms",
        "approval",
        "asking",
        "given",
        "kept",
        "number",
        "quote_nanos",
        "since_ms",
        "ticket",
        "using",
    )

    def __init__(self, asking: Asking, number: int, since_ms: int, *, ticket: bool) -> None:
        self.approval = asking.approval
        self.asking = asking
        self.number = number
        self.since_ms = self.alive_ms = since_ms
        self.ticket = self.using = ticket
        self.given = self.kept = False
        self.quote_nanos: int | None = None

    def covers(self, rule: Rule, quote_nanos: int | None) -> bool:
        """Tell whether what was given suffices for what a call would be held at now."""
        if not self.given or self.asking.shown.rule != rule.id:
            return False
        given = self.quote_nanos
        return given is None or (quote_nanos is not None and quote_nanos <= given)


class Approvals:
    """The calls of a worker that wait for a person."""

    def __init__(self, pipeline: Pipeline, rules: Sequence[Rule]) -> None:
        self._pipeline = pipeline
        self._clerk = pipeline.world.clerk
        self._rules = rules
        self._waiting: dict[str, dict[str, Exchange]] = {}
        # What the steward could not be told that it is not waited for any more.
        self._untold: dict[str, bool] = {}

    def stops(self, exchange: Exchange) -> bool:
        """Tell whether a call does not go on now: it waits for a person, or was refused."""
        unpriced = quote(self._pipeline, exchange)
        if unpriced is not None:
            self._pipeline.endings.refuse(exchange, unpriced)
            return True
        rule = self._unmet(exchange)
        if rule is None:
            return False
        self._ask(exchange, rule)
        return True

    def covers(self, exchange: Exchange) -> bool:
        """Tell whether a call may be held as it is quoted."""
        return self._unmet(exchange) is None

    def _unmet(self, exchange: Exchange) -> Rule | None:
        quote_nanos = _quote_of(exchange)
        rule = rule_for(
            self._rules,
            nodes=exchange.path.nodes,
            model=exchange.asked,
            data_class=exchange.required.data_class,
            quote_nanos=quote_nanos,
        )
        permission = exchange.permission
        met = rule is None or (permission is not None and permission.covers(rule, quote_nanos))
        return None if met else rule

    def _ask(self, exchange: Exchange, rule: Rule) -> None:
        before, head = exchange.permission, exchange.request.head
        number = 1 if before is None else before.number + 1
        ticket = before is None and head.approval is not None
        if ticket:
            assert head.approval is not None
            approval = head.approval[:ID_CHARS_MAX].decode("latin-1")
        else:
            name = exchange.call.partition("_")[2]
            approval = f"apr_{name}" if number == 1 else f"apr_{name}.{number}"
        asking = Asking(approval, exchange.call, rule.expires_minutes, _shown(exchange, rule))
        since_ms = self._pipeline.coarse_ms if before is None else before.since_ms
        exchange.permission = Permission(asking, number, since_ms, ticket=ticket)
        exchange.enter("approve")
        self._waiting.setdefault(approval, {})[exchange.call] = exchange
        if not self._say(exchange.permission):
            self._refuse(exchange, _STEWARD_GONE)

    def _say(self, permission: Permission) -> bool:
        clerk, asking = self._clerk, permission.asking
        return clerk.use_approval(asking) if permission.using else clerk.ask_approval(asking)

    # What the steward says.

    def told(self, told: Told) -> None:
        """Act on what became of a request."""
        for call, exchange in list(self._waiting.get(told.approval, {}).items()):
            if told.call in ("", call):
                self._tell(exchange, told)

    def _tell(self, exchange: Exchange, told: Told) -> None:
        if told.code is not None:
            self._forget(exchange)
            self._pipeline.endings.refuse(exchange, Refusal(_CODES[told.code], told.message))
        elif told.status == "pending":
            self._wait(exchange, told)
        elif told.status == "approved":
            self._use(exchange)
        else:
            self._go_on(exchange, told)

    def _wait(self, exchange: Exchange, told: Told) -> None:
        """Nobody has decided yet: let the client come back for it, or keep it waiting."""
        permission, client = exchange.permission, exchange.client
        assert permission is not None
        permission.kept = True
        if exchange.request.head.respond_async and not exchange.headed:
            self._forget(exchange)
            self._let_go(permission, withdrawn=False)
            if client is not None:
                client.write(_accepted(exchange, permission, told))
            self._pipeline.endings.finish(exchange)
        elif exchange.own.stream and not exchange.headed and client is not None:
            ping(exchange)

    def _use(self, exchange: Exchange) -> None:
        """It was approved: use it up, unless the call costs more by now."""
        permission = exchange.permission
        assert permission is not None
        quote(self._pipeline, exchange)
        shown, now = permission.asking.shown.quote_nanos, _quote_of(exchange)
        if shown is not None and (now is None or now > shown):
            self._forget(exchange)
            self._let_go(permission, withdrawn=True)
            self._pipeline.place(exchange)
            return
        permission.using = True
        self._say(permission)

    def _go_on(self, exchange: Exchange, told: Told) -> None:
        """The permission is given: route the call anew, for much may have changed meanwhile."""
        pipeline, permission = self._pipeline, exchange.permission
        assert permission is not None
        permission.given = True
        permission.quote_nanos = told.quote_nanos
        self._forget(exchange)
        exchange.enter(RECEIVED)
        key = exchange.request.head.key
        if pipeline.identify(key) is None:
            pipeline.endings.refuse(exchange, stranger(pipeline.world.directory, key))
            return
        exchange.demand = exchange.own
        # A month may have ended while it waited.
        find_path(pipeline, exchange, exchange.path.tags)
        exchange.plan_over, exchange.spared = False, ()
        refusal = pipeline.attempts.first(exchange)
        if refusal is not None:
            pipeline.endings.refuse(exchange, refusal)

    # What ends a wait otherwise.

    def leave(self, exchange: Exchange) -> None:
        """A call that waits is over: its request is withdrawn, but for one it brought along."""
        self._forget(exchange)
        assert exchange.permission is not None
        self._let_go(exchange.permission, withdrawn=True)

    def reconnected(self) -> None:
        """There is a steward (again): ask it everything that it may not have heard."""
        for calls in self._waiting.values():
            for exchange in calls.values():
                assert exchange.permission is not None
                self._say(exchange.permission)
        untold, self._untold = self._untold, {}
        for approval, withdrawn in untold.items():
            self._clerk.let_go(approval, withdrawn=withdrawn)

    def count_from(self, since_ms: int, at_ms: int) -> None:
        """Count calls that began to wait at one time as of a later one."""
        for calls in self._waiting.values():
            for exchange in calls.values():
                permission = exchange.permission
                assert permission is not None
                if permission.since_ms == since_ms:
                    permission.since_ms = at_ms

    def waiting(self) -> list[Exchange]:
        """Return the calls that wait for a person."""
        return [exchange for calls in self._waiting.values() for exchange in calls.values()]

    def sweep(self, exchange: Exchange, now_ms: int) -> None:
        """Keep a client alive that waits, and end what has waited for too long."""
        permission = exchange.permission
        assert permission is not None
        waited_ms, unheard_ms = now_ms - permission.since_ms, now_ms - exchange.since_ms
        if self._pipeline.stopping:
            self._refuse(exchange, _STOPPING)
        elif not permission.kept and not permission.using and unheard_ms > STEWARD_MS_MAX:
            self._refuse(exchange, _STEWARD_GONE)
        elif exchange.headed:
            if exchange.client is not None and now_ms - permission.alive_ms >= KEEP_ALIVE_MS:
                permission.alive_ms = now_ms
                ping(exchange)
        elif waited_ms > self._pipeline.edge.approval_wait_max_ms:
            self._forget(exchange)
            self._let_go(permission, withdrawn=False)
            self._pipeline.endings.refuse(exchange, _pending(permission.approval))

    def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        self.leave(exchange)
        self._pipeline.endings.refuse(exchange, refusal)

    def _forget(self, exchange: Exchange) -> None:
        assert exchange.permission is not None
        approval = exchange.permission.approval
        calls = self._waiting[approval]
        del calls[exchange.call]
        if not calls:
            del self._waiting[approval]
        exchange.phase = RECEIVED

    def _let_go(self, permission: Permission, *, withdrawn: bool) -> None:
        if permission.ticket:
            return
        if not self._clerk.let_go(permission.approval, withdrawn=withdrawn):
            self._untold[permission.approval] = withdrawn


def _quote_of(exchange: Exchange) -> int | None:
    known = exchange.card is not None or exchange.demand.free
    return exchange.hold_nanos if known else None


def _shown(exchange: Exchange, rule: Rule) -> Shown:
    credential, body, own = exchange.request.credential, exchange.body, exchange.own
    assert credential is not None
    prompt = None
    if rule.show_prompt:
        prompt = body.decode("utf-8", "replace")[:PROMPT_CHARS_MAX]
    return Shown(
        principal=credential.principal,
        team=credential.team,
        key=credential.key,
        chain=exchange.path.chain,
        run=exchange.run,
        rule=rule.id,
        model=exchange.asked,
        quote_nanos=_quote_of(exchange),
        data_class=exchange.required.data_class,
        stream=own.stream,
        output_tokens_max=own.output_tokens_max,
        tools=exchange.dialect.tool_names(body),
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
        prompt=prompt,
    )


def _pending(approval: str) -> Refusal:
    message = (
        f"A person was asked and has not decided yet. When {approval} is approved"
        f" (GET /v1/approvals/{approval}), send the call again with"
        f" `x-headgate-approval: {approval}`."
    )
    return Refusal(errors.APPROVAL_PENDING, message)


def _accepted(exchange: Exchange, permission: Permission, told: Told) -> bytes:
    """Return the ticket: the reply to a client that comes back for the decision."""
    approval, nanos = permission.approval, told.quote_nanos
    body = {
        "approval": approval,
        "status": told.status,
        "rule": permission.asking.shown.rule,
        "quote_usd": None if nanos is None else format_usd(nanos),
        "digest": told.digest,
        "expires_at": to_iso(told.expires_ns),
    }
    headers = [
        (b"x-headgate-approval", approval.encode("latin-1")),
        (b"x-headgate-call", exchange.call.encode()),
        (b"preference-applied", b"respond-async"),
        (b"location", b"/v1/approvals/%b" % approval.encode("latin-1")),
    ]
    asked = exchange.request.head
    lines = exchange.clock.date_line + asked.lines
    return whole(202, msgspec.json.encode(body), lines, headers, close=not asked.keep_alive)
