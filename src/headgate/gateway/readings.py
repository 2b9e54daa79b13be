"""Large bodies: what reading one takes is cut into turns of the loop, so that nobody waits for it.

A body is decoded by a library that cannot be interrupted, and holds the interpreter's lock while it
works, so a thread would help nobody. What can be done is to let others have their turn between one
step and the next. Only one large body has a step in each turn, however many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from headgate.dialects.body import remember
from headgate.gateway.entry import permit, read

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

STEP_NS: Final = 200_000
"""Short steps are taken together until so much time is gone; no step begins after it."""

READING: Final = "read"
"""The phase of a call whose body is being read: nothing is held, and no place is taken."""

COUNTING: Final = "count"
"""The phase of a request for a count whose texts are being counted by another process."""

RECEIVED: Final = "receive"
"""The phase of a call while it is worked on; only a bug of ours leaves it there."""

ARRIVED: Final = "arrive"
"""The phase of a call that has arrived in this turn, and of which nothing was read yet."""

PLACED: Final = "place"
"""The phase of a call that has a place, and of which nothing is held yet."""

UNBEGUN: Final = (READING, COUNTING, "claim", "twin")
"""The phases of a call that has not begun, or asks everything anew before it does."""


class Readings:
    """The calls of a worker whose bodies are being read."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._waiting: deque[tuple[Exchange, Iterator[None]]] = deque()

    def begin(self, exchange: Exchange) -> None:
        """Read a call's body, and go on with the call after that."""
        self._add(exchange, self._read(exchange))

    def rest(self, exchange: Exchange) -> None:
        """Begin a call's first attempt, which took a while to say, in a turn to come."""
        self._add(exchange, self._go_on(exchange))

    def step(self, exchange: Exchange, steps: Iterator[None]) -> None:
        """Take steps of what a large body needs, in turns to come."""
        self._add(exchange, steps)

    def _add(self, exchange: Exchange, steps: Iterator[None]) -> None:
        exchange.enter(READING)
        if not self._waiting:
            self._world.outbox.soon(self._turn)
        self._waiting.append((exchange, steps))

    def _turn(self) -> None:
        """Take the next step of the call that has waited the longest."""
        exchange, steps = self._waiting.popleft()
        if self._waiting:
            self._world.outbox.soon(self._turn)
        if exchange.phase != READING:
            # Its client went away.
            return
        stepped = False
        try:
            until_ns = perf_counter_ns() + STEP_NS
            for _ in steps:
                if perf_counter_ns() >= until_ns:
                    self._add(exchange, steps)
                    break
            stepped = True
        finally:
            if not stepped and exchange.phase == READING:
                # A bug of ours: the sweep ends the call.
                exchange.enter(RECEIVED)

    def _read(self, exchange: Exchange) -> Iterator[None]:
        pipeline, world = self._pipeline, self._world
        refusal = read(world, exchange)
        if refusal is None:
            yield
            remember(exchange.body, exchange.own.members)
            yield
            yield from world.caching.look(exchange)
            yield from world.interpreter.understand(exchange, world.router)
            # What a call counts for when it arrives was not counted yet.
            exchange.enter(RECEIVED)
            refusal = pipeline.identify_again(exchange)
        pipeline.proceed(exchange, refusal)

    def _go_on(self, exchange: Exchange) -> Iterator[None]:
        yield
        pipeline = self._pipeline
        refusal = pipeline.identify_again(exchange) or permit(pipeline, exchange)
        if refusal is None:
            pipeline.attempts.go_on(exchange)
        else:
            pipeline.endings.refuse(exchange, refusal)
