"""The pipeline: the nine steps of a call, in the order they happen.

Every route that can spend money goes through `begin`. Callbacks only: a step that has to wait
(for a place, for money, for a connection) leaves, and the exchange brings it back. Steps 8 and
9, and every way a call can end before them, are in `endings.py`; step 4, and where a call goes on
whose attempt failed, is in `attempts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from headgate.capacity.shares import Waiter
from headgate.dialects.opened import LARGE_BYTES
from headgate.dialects.splice import SpliceError
from headgate.gateway import endpoints, refusals
from headgate.gateway.approvals import Approvals
from headgate.gateway.attempts import Attempts
from headgate.gateway.batching.routes import BatchRoutes
from headgate.gateway.cascades.cascading import Cascading
from headgate.gateway.client import cors
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.client.heads import HeadMemory
from headgate.gateway.client.request import Request, header_takers
from headgate.gateway.client.uploads import Uploads
from headgate.gateway.endings import Endings
from headgate.gateway.entry import permit
from headgate.gateway.exchange import Exchange
from headgate.gateway.hedging import hedging_of
from headgate.gateway.hooks import Hooks
from headgate.gateway.kept.repeats import Repeats
from headgate.gateway.kept.responses import responses_of
from headgate.gateway.lag import BEHIND, Lag
from headgate.gateway.money.prefixes import PrefixMemory
from headgate.gateway.money.quotes import quote
from headgate.gateway.money.shadows import waive
from headgate.gateway.readings import Readings
from headgate.gateway.settings import SWEEP_MS
from headgate.gateway.stages import Stages
from headgate.gateway.stored.routes import StoredRoutes
from headgate.gateway.turns import classify
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.gateway.upstream.forms import send_form
from headgate.gateway.world import World
from headgate.identity.directory import Credential
from headgate.ledger import slices
from headgate.ledger.purse import Short, Waiting
from headgate.providers.envelope import PLAIN
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import attempt_id

SHORTEN_TOKENS_MIN: Final = 64
"""A call is not shortened below this: an answer of a few words helps nobody."""


class Pipeline:
    """The data plane's decisions.

    Attributes:
        started_ns: When this process began; models are listed as of then.
        ending: Whether this worker ends, and says by its readiness that others should be called.
        stopping: Whether new calls are turned away.
        retiring: Whether each connection is closed behind the next call that it brings.
        frozen: Nodes that may not spend now.
        header_takers: What the edge does with each header that matters, by its name.
        heads: The heads that clients send again and again.
        lag: How late the event loop is, and whether new calls are refused for it.
        hooks: Where trackers tell outcomes, without a key.
        strangers: Requests refused for their key since the start.
        responses: The replies that are kept to be given again, None when no route does.
        hedging: Makes attempts beside silent ones, None when no route does.
        cascading: Verifies the replies of cascades, None where no route has one.
        approvals: What a person is asked about, None when there is no rule for it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.edge = world.edge
        self.now_ns = world.now_ns
        self.started_ns = world.now_ns()
        self.ending = self.stopping = self.retiring = False
        self.frozen: frozenset[str] = frozenset()
        self.connections: set[ClientConnection] = set()
        self.exchanges: set[Exchange] = set()
        self.strangers = 0
        self.hooks = Hooks(world.edge.hooks.values(), self.edge.buffered_bytes_max)
        self.header_takers = header_takers(
            world.dialects.values(),
            {**self.hooks.takers(), **cors.takers(world.edge.cors_origins)},
            traced=world.traced,
            forwarded=world.edge.asked_header,
        )
        self.heads = HeadMemory()
        self.lag = Lag(self.edge.lag_max_ms, SWEEP_MS)
        self.prefixes = PrefixMemory()
        self.cascading = Cascading(self) if world.router.cascades() else None
        self.stages = Stages(self)
        self.attempts = Attempts(self)
        self.endings = Endings(self)
        self.repeats = Repeats(self)
        self.responses = responses_of(self)
        self.hedging = hedging_of(self)
        self.readings = Readings(self)
        self.batches = BatchRoutes(self, world.batches)
        self.stored = StoredRoutes(self)
        self.uploads = Uploads(world.dialects, world.edge, world.spool, self)
        self.approvals = Approvals(self, world.approvals) if world.approvals else None
        self._syncs = world.syncs
        self._buffered_bytes = 0

    # 1. Receive: the edge calls these while a request arrives.

    @property
    def coarse_ms(self) -> int:
        """Coarse monotonic time."""
        return self.world.clock.coarse_ms

    def admit(self, client: ClientConnection) -> bool:
        """Take a connection up; False when there are too many."""
        self.connections.add(client)
        return len(self.connections) <= self.edge.connections_max

    def forget(self, client: ClientConnection) -> None:
        """A connection is closed."""
        self.connections.discard(client)

    def buffer(self, size: int) -> bool:
        """Account for body bytes in memory; False when there are too many."""
        self._buffered_bytes += size
        return self._buffered_bytes <= self.edge.buffered_bytes_max

    def unbuffer(self, size: int) -> None:
        """Body bytes are free again."""
        self._buffered_bytes -= size

    def drop(self, request: Request) -> None:
        """Let a request's body go, and the room that it had."""
        request.forget(self.unbuffer)
        self.hooks.end(request)

    def begin(self, client: ClientConnection, request: Request) -> None:
        """Answer a request that has arrived whole."""
        dialect = self.world.dialect_of(request)
        if dialect is None or request.head.method != b"POST":
            endpoints.answer(self, client, request)
            self.drop(request)  # Not before: what is asked about Headgate stands in the body.
            return
        exchange = Exchange(self, client, request, dialect, self.world.next_call())
        client.exchange = exchange
        self.exchanges.add(exchange)
        refusal = self._identify(exchange)
        if refusal is not None:
            self.endings.refuse(exchange, refusal)
        elif request.body_bytes >= LARGE_BYTES:
            self.readings.begin(exchange)
        else:
            self.stages.arrive(exchange)

    def proceed(self, exchange: Exchange, refusal: Refusal | None) -> None:
        """Go on with a call that was read, or that was refused before it was."""
        refusal = refusal or permit(self, exchange) or classify(self.world, exchange)
        if refusal is None:
            keyed = exchange.request.head.idempotency_key is not None
            refusal = self.repeats.claim(exchange) if keyed else self.attempts.first(exchange)
        if refusal is not None:
            self.endings.refuse(exchange, refusal)

    def go(self, exchange: Exchange) -> None:
        """Go on with a call that got its idempotency key: what changed while it waited counts."""
        refusal = self.identify_again(exchange) or permit(self, exchange)
        refusal = refusal or self.attempts.first(exchange)
        if refusal is not None:
            self.endings.refuse(exchange, refusal)

    # 2. Identify.

    def identify(self, key: bytes | None) -> Credential | None:
        """Return who sends a key; asked anew for every request, never per connection."""
        found = None if key is None else self.world.directory.find(key)
        # Most never end, and to ask for the time takes longer than to look.
        if found is not None and found.until_ns is not None and found.ended(self.now_ns()):
            return None
        return found

    def identify_again(self, exchange: Exchange) -> Refusal | None:
        """Find out anew who makes a call that has waited; why it may not be made, if so."""
        exchange.request.credential = self.identify(exchange.request.head.key)
        return self._identify(exchange)

    def _identify(self, exchange: Exchange) -> Refusal | None:
        request = exchange.request
        if request.credential is None:
            self.strangers += 1
            return refusals.stranger(self.world.directory, request.head.key)
        if self.stopping:
            return Refusal(errors.SHUTTING_DOWN, errors.SHUTTING_DOWN.sentence, None, 5)
        return BEHIND if self.lag.sheds else None

    # 3. Permit: `entry` reads what the call asks for, and tells whether it may.

    def withholds(self, exchange: Exchange) -> bool:
        """Tell whether a cascade holds back what a call's attempt answers."""
        return self.cascading is not None and self.cascading.withholds(exchange)

    def why_frozen(self, nodes: Iterable[str]) -> Refusal | None:
        """Name the first of `nodes` that is frozen; None when none is."""
        node = next((node for node in nodes if node in self.frozen), None)
        if node is None:
            return None
        return Refusal(errors.FROZEN, f"Spending of {node} is frozen; ask who froze it.")

    # 4. Route: `attempts` chooses a deployment and comes back with `place`.

    # 5. Approve, 6. Ticket.

    def place(self, exchange: Exchange) -> None:
        """Begin an attempt at the exchange's target: take a place there, or wait for one."""
        if self.approvals is not None and self.approvals.stops(exchange):
            return
        places = exchange.target.places
        turn = exchange.turn
        share = places.take(turn.rank, turn.team)
        if share is not None:
            turn.share = share
            self.stages.place(exchange)
            return
        exchange.enter("queue")
        turn.queued_ns = self.now_ns()
        waits = places.eta_ms(turn.rank, turn.team) <= self.edge.queue_wait_max_ms
        waiter = Waiter(exchange.on_place, self.coarse_ms)
        if not waits or not places.wait(turn.rank, turn.team, waiter):
            self._shed(exchange)

    def on_place(self, exchange: Exchange) -> None:
        """The wait in the queue is over: the call has a share of the places, or is sent away."""
        exchange.turn.ends(self.now_ns())
        if exchange.turn.share is not None:
            self.hold(exchange)
        else:
            self._shed(exchange)

    def _shed(self, exchange: Exchange) -> None:
        if not self.attempts.overflow(exchange):
            self.endings.refuse(exchange, refusals.no_place(self.world, exchange))

    # 7. Hold, send, relay.

    def hold(self, exchange: Exchange) -> None:
        """Set aside what an attempt can cost that has its place."""
        if self.frozen:
            exchange.sent_ns = self.now_ns()
            # Again, for the call may have waited for its place, or been tried elsewhere before.
            nodes = (*exchange.path.nodes, f"model:{exchange.asked}", *exchange.target.nodes)
            refusal = self.why_frozen(nodes)
            if refusal is not None:
                self.endings.refuse(exchange, refusal)
                return
        unpriced = quote(self, exchange)
        if unpriced is not None:
            self.endings.refuse(exchange, unpriced)
            return
        if self.approvals is not None and not self.approvals.covers(exchange):
            # It waited for its place, and costs more by now than a person has approved.
            self.endings.leave_place(exchange)
            self.place(exchange)
            return
        if exchange.path.expected:
            self.world.sizing.expect(exchange)
        if not self.world.books.has_room():
            self.endings.refuse(exchange, refusals.unwritten(self.world.journal))
        else:
            self._claim(exchange)

    def _claim(self, exchange: Exchange) -> None:
        """Set the money aside, or wait for it."""
        if self.world.purse.try_hold(exchange.path.slices, exchange.hold_nanos) is None:
            self.held(exchange)
        else:
            exchange.enter("money")
            path = exchange.path = exchange.path.renewed(self.world.purse)
            shorten = any(budget.on_tight == "shorten" for budget in path.budgets)
            amount, since_ms = exchange.hold_nanos, self.coarse_ms
            self.world.purse.wait(
                Waiting(path.slices, amount, exchange.on_money, since_ms, shorten)
            )

    def on_money(self, exchange: Exchange, short: Short | str | None) -> None:
        """The steward has answered: the hold is made, or does not fit, or nobody answered."""
        if short is None:
            self.held(exchange)
        elif waive(exchange, short):
            self._claim(exchange)
        elif isinstance(short, str):
            self.endings.refuse(exchange, refusals.LEDGER_GONE)
        elif (uncarved := self.world.allotments.uncarved(short.piece)) is not None:
            self.endings.refuse(exchange, refusals.not_carved(uncarved), uncarved.above)
        elif slices.hold(exchange.path.slices, exchange.hold_nanos) is None:
            # Calls ended while the steward decided, and it is still this one's turn.
            self.held(exchange)
        elif short.contended or not self._shorten(exchange):
            self.endings.refuse(exchange, refusals.over_budget(exchange, short), short.piece)

    def _shorten(self, exchange: Exchange) -> bool:
        """Lower the output limit to what is affordable, where a tight budget says so."""
        path = exchange.path
        tight = [
            (piece, budget)
            for piece, budget in zip(path.slices, path.budgets, strict=True)
            if piece.idle_nanos < exchange.hold_nanos
        ]
        if exchange.card is None or any(budget.on_tight != "shorten" for _, budget in tight):
            return False
        if exchange.demand.unbounded is not None or exchange.demand.pieces is not None:
            return False  # A shorter answer bounds nothing of what runs at the provider.
        affordable = min(piece.idle_nanos for piece, _ in tight)
        tokens = exchange.card.output_tokens_within(affordable, exchange.input_tokens_max)
        limit = tokens // exchange.demand.choices
        if limit < max(SHORTEN_TOKENS_MIN, exchange.demand.output_tokens_min):
            return False
        exchange.output_tokens_max = limit
        exchange.sized = None
        exchange.hold_nanos = exchange.card.worst_nanos(
            exchange.input_tokens_max, limit * exchange.demand.choices
        )
        # It is this call's turn: others who wait for the same window come after it.
        if slices.hold(path.slices, exchange.hold_nanos) is not None:
            return False
        self.held(exchange)
        return True

    def held(self, exchange: Exchange) -> None:
        """The money is set aside: write it down, then have it sent."""
        exchange.number += 1
        exchange.attempt = attempt_id(exchange.call, exchange.number)
        exchange.status = 0
        exchange.first_byte_ns = 0
        exchange.upstream_request_id = None
        self.world.books.hold(exchange, exchange.sent_ns)
        if self._syncs is None:
            self.stages.hold(exchange)
        else:
            exchange.enter("sync")
            self._syncs.wait(lambda synced: self._synced(exchange, synced))

    def _synced(self, exchange: Exchange, synced: bool) -> None:
        """The hold is on the disk, or never will be; whoever was given up meanwhile is over."""
        if exchange.phase != "sync":
            return
        if synced:
            self.dispatch(exchange)
        else:
            self.endings.unwritten(exchange)

    def dispatch(self, exchange: Exchange) -> None:
        """Find a connection for an attempt that is held."""
        pool = exchange.target.pool
        upstream = pool.take()
        if upstream is not None:
            self.send(exchange, upstream)
        else:
            exchange.enter("connect")
            pool.connect(exchange)

    def send(self, exchange: Exchange, upstream: UpstreamConnection) -> None:
        """Send the request; from its first byte on the outcome is in the provider's hands."""
        demand, target = exchange.demand, exchange.target
        if exchange.request.upload is not None:
            send_form(exchange, upstream, exchange.request.upload)
            return
        exchange.upstream = upstream
        forwarded = exchange.request.head.forwarded
        if forwarded:
            wanted = exchange.spoken.FORWARDED
            forwarded = [pair for pair in forwarded if pair[0] in wanted]
        edit = target.edit(exchange.output_tokens_max)
        envelope = target.envelopes[exchange.spoken.KIND]
        if envelope is not PLAIN:
            edit = replace(
                edit,
                ask_usage=envelope.ask_usage,
                dropped=envelope.dropped,
                members=envelope.members(forwarded),
            )
        try:
            marks = self.world.caching.marks(exchange)
            edit = replace(edit, changed=marks) if marks else edit
            body = exchange.spoken.edit(exchange.outgoing, demand, edit)
        except (SpliceError, RecursionError) as error:
            exchange.upstream = None
            upstream.give_back()
            self.endings.not_spliced(exchange, error)
            return
        exchange.enter("reply")
        kind, at_ns = exchange.spoken.KIND, exchange.sent_ns
        head = target.head(kind, forwarded, body, stream=demand.stream, at_ns=at_ns)
        upstream.send(exchange, head, body)
