"""The sweep: one coarse pass that finds whatever has taken too long, instead of a timer each.

What happens between two sweeps is noted as of the one before it. The next one counts it as of
itself, so that no time is over early: each is late by a sweep at most. (As of a millisecond sooner,
lest the one after take it for something that has happened since. A time has to be exceeded.)
"""

from collections.abc import Iterable

from headgate.gateway.bugs import CONNECTION, WAITED
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.client.pings import ping_queued
from headgate.gateway.endings import UNKNOWN_REPORT
from headgate.gateway.exchange import Exchange
from headgate.gateway.kept.repeats import CLAIM
from headgate.gateway.money.metering import bound_settlement
from headgate.gateway.pipeline import Pipeline
from headgate.gateway.readings import RECEIVED
from headgate.gateway.refusals import LEDGER_GONE, UNCLAIMED
from headgate.gateway.settings import Edge
from headgate.gateway.stages import BODY, WHOLE
from headgate.gateway.stored.made import WHOSE
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.gateway.upstream.pool import Pool
from headgate.ledger.purse import LEASE_WAIT_MS, UNAVAILABLE
from headgate.units import errors
from headgate.units.errors import Refusal

KEPT_DRAIN_MS = 3_600_000
"""How long a reply that will be kept is read on after its client went away."""

SENT = ("reply", BODY)
"""The phases of an attempt that its provider has."""

ASKING = (CLAIM, WHOSE)
"""The phases of a call for which the steward is asked before it goes anywhere."""

BODY_START_MS = 10_000
"""How long a body may come at any rate."""


def sweep(pipeline: Pipeline, now_ms: int) -> None:
    """Move the coarse clock on and end what is overdue.

    A bug of ours that is met at one call, or one connection, is told once and keeps no other from
    being swept. What it has left undone of its call the next sweep ends, and until the books have
    taken its end its money stays held: by this worker, and when it dies by its journal, of which
    the steward posts whatever has not ended. Any other bug ends the worker, with the same effect.
    """
    world = pipeline.world
    before_ms = world.clock.coarse_ms
    world.clock.move(now_ms, world.now_ns())
    pipeline.lag.look(now_ms)
    _count_waits_from(pipeline, before_ms, now_ms - 1)
    if len(world.bugs):
        world.bugs.keep({each.call for each in pipeline.exchanges} | pipeline.connections)
    _sweep_calls(pipeline, before_ms, now_ms)
    _sweep_clients(pipeline, before_ms, now_ms)
    if pipeline.hedging is not None:
        pipeline.hedging.sweep()
    _sweep_waits(pipeline, now_ms)
    _sweep_pools(world.pools, now_ms)
    world.purse.refill()
    pipeline.repeats.flush()
    if pipeline.responses is not None:
        pipeline.responses.sweep(now_ms)
    world.allotments.sweep(world.now_ns())
    world.journal.prepare()
    if world.syncs is not None:
        world.syncs.sweep()
    if world.access_log is not None:
        world.access_log.flush()


def _sweep_calls(pipeline: Pipeline, before_ms: int, now_ms: int) -> None:
    bugs = pipeline.world.bugs
    for exchange in list(pipeline.exchanges):
        with bugs.at(exchange.call):
            _count_from(exchange, before_ms, now_ms - 1)
            _sweep_exchange(pipeline, exchange, now_ms)


def _sweep_clients(pipeline: Pipeline, before_ms: int, now_ms: int) -> None:
    bugs = pipeline.world.bugs
    for client in list(pipeline.connections):
        with bugs.at(client, CONNECTION):
            if client.phase_since_ms == before_ms:
                client.phase_since_ms = now_ms - 1
            _sweep_client(pipeline, client, now_ms)


def _sweep_waits(pipeline: Pipeline, now_ms: int) -> None:
    """Send those away who have waited for too long: for a place, for a person, for money."""
    world, bugs = pipeline.world, pipeline.world.bugs
    for target in world.targets.values():
        for waiter in target.places.expired(now_ms - pipeline.edge.queue_wait_max_ms):
            with bugs.at(None, WAITED):
                waiter.resume(None)
    if pipeline.approvals is not None:
        for exchange in pipeline.approvals.waiting():
            with bugs.at(exchange.call):
                pipeline.approvals.sweep(exchange, now_ms)
    for waiting in world.purse.expired(now_ms - LEASE_WAIT_MS):
        with bugs.at(None, WAITED):
            waiting.resume(UNAVAILABLE)


def _count_waits_from(pipeline: Pipeline, before_ms: int, at_ms: int) -> None:
    """Count waits that have begun since the sweep before as of another time."""
    for target in pipeline.world.targets.values():
        target.places.count_from(before_ms, at_ms)
    pipeline.world.purse.count_from(before_ms, at_ms)
    if pipeline.approvals is not None:
        pipeline.approvals.count_from(before_ms, at_ms)


def _count_from(exchange: Exchange, before_ms: int, at_ms: int) -> None:
    """Count what has happened since the sweep before as of another time."""
    if exchange.since_ms == before_ms:
        exchange.since_ms = at_ms
    if exchange.drained_since_ms == before_ms:
        exchange.drained_since_ms = at_ms
    upstream = exchange.upstream
    if upstream is not None:
        if upstream.sent_ms == before_ms:
            upstream.sent_ms = at_ms
        if upstream.active_ms == before_ms:
            upstream.active_ms = at_ms


def _sweep_pools(pools: Iterable[Pool], now_ms: int) -> None:
    for pool in pools:
        pool.sweep()
        if pool.renewals is not None:
            pool.renewals.sweep(now_ms)


def _sweep_exchange(pipeline: Pipeline, exchange: Exchange, now_ms: int) -> None:
    if exchange.phase == WHOLE:
        # Whatever it was late with, it has come.
        return
    gone_ms = exchange.drained_since_ms
    # One that is kept may be on its way to another deployment meanwhile.
    draining_ms = 0 if gone_ms is None or exchange.upstream is None else now_ms - gone_ms
    if draining_ms > _drain_ms(pipeline, exchange):
        pipeline.endings.give_up(exchange, "client_gone")
    elif exchange.phase in ASKING:
        if now_ms - exchange.since_ms > LEASE_WAIT_MS:
            gone = UNCLAIMED if exchange.phase == CLAIM else LEDGER_GONE
            exchange.phase = RECEIVED
            pipeline.endings.refuse(exchange, gone)
    elif exchange.phase == "queue" and pipeline.edge.queue_ping_ms:
        ping_queued(exchange, now_ms, pipeline.edge.queue_ping_ms)
    elif _is_stopped(exchange):
        _end_stopped(pipeline, exchange)
    elif exchange.upstream is not None:
        reason = _overdue(exchange, exchange.upstream, now_ms)
        if reason is not None:
            exchange.timed_out(reason)
        elif pipeline.edge.queue_ping_ms and pipeline.withholds(exchange):
            ping_queued(exchange, now_ms, pipeline.edge.queue_ping_ms)


def _is_stopped(exchange: Exchange) -> bool:
    """Tell whether a bug of ours has stopped a call, before it was sent or behind its reply.

    Any other has left this phase, sent its request or ended in the turn in which it came to it, and
    when it has lost its provider it has gone elsewhere or ended in that turn.
    """
    if exchange.upstream is None:
        return exchange.phase == RECEIVED or exchange.phase in SENT
    return exchange.phase not in SENT


def _end_stopped(pipeline: Pipeline, exchange: Exchange) -> None:
    exchange.cancel()
    has_ended = False
    try:
        _end_held(pipeline, exchange)
        # In a stream that has begun, it is an error of its dialect.
        exchange.headed |= exchange.begun and not pipeline.withholds(exchange)
        pipeline.endings.answer(exchange, Refusal(errors.INTERNAL, errors.INTERNAL.sentence))
        has_ended = True
    finally:
        client = exchange.client
        if not has_ended and client is not None:
            # The call is tried again with each sweep; its client need not wait for that.
            exchange.client = None
            client.done(keep_alive=False)


def _end_held(pipeline: Pipeline, exchange: Exchange) -> None:
    """End what a stopped call has held, if it still does.

    Only the books are told: the bug may be one of who learns of ends.
    """
    reason, books, at_ns = errors.INTERNAL.code, pipeline.world.books, pipeline.now_ns()
    if exchange.held and exchange.phase in SENT:
        # Its provider has had it, for what nobody knows any more.
        bound = bound_settlement(exchange, UNKNOWN_REPORT, reason)
        books.settle(exchange, bound, report=UNKNOWN_REPORT, at_ns=at_ns, final=True)
    elif exchange.held:
        books.void(exchange, reason, at_ns=at_ns, final=True)


def _overdue(exchange: Exchange, upstream: UpstreamConnection, now_ms: int) -> str | None:
    """Tell which of its provider's times an attempt that was sent has outlived, None for none."""
    provider = exchange.target.pool.provider
    if now_ms - upstream.sent_ms > provider.total_timeout_ms:
        return "total_timeout"
    if exchange.phase == "reply":
        late = now_ms - exchange.since_ms > provider.first_byte_timeout_ms
        return "first_byte_timeout" if late else None
    paused = exchange.client is not None and exchange.client.paused
    late = not paused and now_ms - upstream.active_ms > provider.idle_timeout_ms
    return "idle_timeout" if late else None


def _drain_ms(pipeline: Pipeline, exchange: Exchange) -> int:
    # Whoever comes back with an idempotency key will ask for all of it.
    return pipeline.edge.client_drain_ms if exchange.client is None else KEPT_DRAIN_MS


def _sweep_client(pipeline: Pipeline, client: ClientConnection, now_ms: int) -> None:
    waited_ms = now_ms - client.phase_since_ms
    edge = pipeline.edge
    if client.paused:
        if waited_ms > edge.write_timeout_ms and client.transport is not None:
            client.transport.abort()
    elif client.busy:
        return
    elif client.phase == "head" and waited_ms > edge.head_timeout_ms:
        client.refuse(Refusal(errors.REQUEST_TIMEOUT, "The head took too long to arrive."))
    elif client.phase == "body" and _is_late(client, edge, waited_ms):
        client.refuse(Refusal(errors.REQUEST_TIMEOUT, "The body took too long to arrive."))
    elif client.phase == "idle" and waited_ms > edge.idle_timeout_ms:
        assert client.transport is not None or client not in pipeline.connections
        if client.transport is not None:
            client.transport.close()


def _is_late(client: ClientConnection, edge: Edge, waited_ms: int) -> bool:
    """Tell whether a body has taken too long, as a whole or for as much as there is of it."""
    counted_ms = waited_ms - BODY_START_MS
    request = client.request
    size = request.body_bytes if request.upload is None else request.upload.size
    too_slow = size * 1_000 < counted_ms * edge.body_rate_min
    return waited_ms > edge.body_timeout_ms or too_slow
