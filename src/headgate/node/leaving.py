"""How a worker leaves its clients: to a successor, or because it ends; no call on its way is lost.

A connection is closed behind an answer that says so, or when nothing has come on it for a while:
a client that calls again and again would otherwise find it closed under a call that it just sends.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from headgate.gateway.listener.door import Door
from headgate.gateway.pipeline import Pipeline
from headgate.gateway.settings import SWEEP_MS
from headgate.gateway.stages import WHOLE
from headgate.gateway.sweep import SENT
from headgate.units import errors
from headgate.units.errors import Refusal

LOOK_MS = 20
LINGER_MS = 1_000 + SWEEP_MS
"""How long a connection of a worker that leaves may be idle: its client may be about to ask.

At least a second, by a clock that goes on with each sweep."""

FRESH_MS = 5_000
"""How long one may be that has brought nothing yet: its client has connected to ask."""
TURNS = 3
"""After so many turns of the loop its sockets were looked at for certain."""

STOPS = Refusal(errors.SHUTTING_DOWN, errors.SHUTTING_DOWN.sentence, None, 5)


def retire(pipeline: Pipeline) -> None:
    """Send clients elsewhere: from now on each reply tells its client to connect anew."""
    pipeline.retiring = True
    # Heads met before would be answered as they were then.
    pipeline.heads.clear()


def see_out(pipeline: Pipeline, idle_ms: int) -> bool:
    """Close the connections that bring no more calls; tells whether any, or a call, is left.

    A client that has just begun to send finds its call answered, and the connection closed behind
    the answer, as `retire` has it.

    Args:
        pipeline: One that retires.
        idle_ms: How long nothing must have come on a connection, in coarse time.
    """
    for client in list(pipeline.connections):
        patience_ms = FRESH_MS if client.is_fresh else idle_ms
        waited_ms = pipeline.coarse_ms - client.phase_since_ms
        idle = client.phase == "idle" and not client.busy and waited_ms >= patience_ms
        if idle and client.transport is not None:
            client.transport.close()
    return bool(pipeline.connections or pipeline.exchanges)


def brings_nothing(pipeline: Pipeline) -> bool:
    """Tell whether each connection that is left is being answered, or is over."""
    return all(client.busy or client.phase == "over" for client in pipeline.connections)


async def hand_over(
    pipeline: Pipeline, door: Door, stop: asyncio.Event, meanwhile: Callable[[], None]
) -> None:
    """Finish what runs beside a successor, which takes the calls; within `retire_timeout_ms`.

    Args:
        pipeline: The worker's.
        door: Closed; who is at a handshake is waited for.
        stop: Set when the worker shall end.
        meanwhile: Called again and again until then.
    """
    retire(pipeline)
    until_ns = time.monotonic_ns() + pipeline.edge.retire_timeout_ms * 1_000_000
    while time.monotonic_ns() < until_ns and not stop.is_set():
        if not (see_out(pipeline, LINGER_MS) or door.meeting):
            break
        meanwhile()
        await _pause()


async def announce(pipeline: Pipeline, hurry: asyncio.Event) -> None:
    """Say that this worker ends, and serve as before for `drain_delay_ms`, for others to see it.

    Args:
        pipeline: The worker's.
        hurry: Set when there is no time for that.
    """
    pipeline.ending = True
    with suppress(TimeoutError):
        await asyncio.wait_for(hurry.wait(), pipeline.edge.drain_delay_ms / 1000)


async def drain(pipeline: Pipeline, door: Door, hurry: asyncio.Event) -> None:
    """Let running calls finish within `drain_timeout_ms`, then end the rest at their bound.

    For the first second calls that were on their way are served, and for five while somebody has
    connected and brought nothing yet; what comes later is refused.

    Args:
        pipeline: The worker's.
        door: Closed; who is at a handshake is waited for while calls are served.
        hurry: Set when running calls shall end now.
    """
    pipeline.ending = True
    retire(pipeline)
    for look in range(pipeline.edge.drain_timeout_ms // LOOK_MS):
        fresh = any(client.is_fresh for client in pipeline.connections)
        if look * LOOK_MS >= (FRESH_MS if fresh else LINGER_MS):
            turn_away(pipeline)
        waited_for = _is_waited_for(pipeline) or (door.meeting and not pipeline.stopping)
        if hurry.is_set() or not waited_for:
            break
        await _pause()
    turn_away(pipeline)
    _end_calls(pipeline)
    # Closing transports write what they hold, then call back; replies that have come are told.
    await asyncio.sleep(0.05)
    # Such a reply may have said that the call goes on elsewhere.
    _end_calls(pipeline)


def _end_calls(pipeline: Pipeline) -> None:
    """End all calls, but for those whose replies have come: the next turn ends these."""
    for exchange in list(pipeline.exchanges):
        if exchange.phase in SENT:
            exchange.timed_out("shutdown_timeout")
        elif exchange.phase != WHOLE:
            exchange.client_gone()


async def _pause() -> None:
    """Wait for the next look, and until what has come meanwhile is read.

    A loop that is late looks at its clocks before its sockets: a call that lies there would be
    taken for silence.
    """
    await asyncio.sleep(LOOK_MS / 1000)
    for _ in range(TURNS):
        await asyncio.sleep(0)


def turn_away(pipeline: Pipeline) -> None:
    """Take no more calls: what is just being received is refused."""
    if pipeline.stopping:
        return
    pipeline.stopping = True
    for client in list(pipeline.connections):
        if client.phase in ("head", "body"):
            client.refuse(STOPS)


def _is_waited_for(pipeline: Pipeline) -> bool:
    """See clients out; tells whether there is a call, an answer or a client left to wait for."""
    see_out(pipeline, 0 if pipeline.stopping else LINGER_MS)
    # A connection that is over lingers, for its client to read why.
    return bool(pipeline.exchanges) or any(
        client.busy or client.phase != "over" for client in pipeline.connections
    )
