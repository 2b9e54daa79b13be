"""Stages: what one turn of the event loop brings is worked on step by step, not call by call.

The code that a call goes through is six times what a processor's first cache holds, so calls that
go through all of it one after another fetch all of it again and again. Here a turn's calls take a
stage together, while its code is at hand, and then the next: the same work for a tenth less. Who is
alone in a turn goes through all stages at once, and of very many the last have the turns behind it.

A stage takes a call up in the phase in which it waits for it; one that was ended meanwhile is in
another. What a bug of ours stops is left in `RECEIVED`, or in `BODY` without its connection, which
is closed, and the sweep ends it.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Final

from headgate.gateway.endings import HELD
from headgate.gateway.entry import read
from headgate.gateway.readings import ARRIVED, PLACED, RECEIVED

if TYPE_CHECKING:
    from headgate.gateway.answers import Answer
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.connection import UpstreamConnection
    from headgate.records.report import Report

WHOLE: Final = "whole"
"""The phase of an attempt whose reply is whole and not yet read."""

METERED: Final = "settle"
"""The phase of an attempt whose reply is metered and not yet settled."""

TELLING: Final = "tell"
"""The phase of a call that is settled, and of which its client was not told yet."""

TOGETHER_MAX: Final = 64
"""So many calls take a stage together; of more, what is in their hands at once would be memory that
the worker keeps. The others have the next turn."""

BODY: Final = "body"
"""The phase of an attempt whose reply has begun."""


class Stages:
    """The calls of a worker that wait for their next stage.

    Replies come before requests: they free places, money and connections.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._outbox = pipeline.world.outbox
        self._run = self.run
        self._is_due = False
        self._whole: list[UpstreamConnection] = []
        self._said: list[tuple[UpstreamConnection, Report]] = []
        self._metered: list[Answer] = []
        self._answers: list[Answer] = []
        self._arrived: list[Exchange] = []
        self._asked: list[Exchange] = []
        self._placed: list[Exchange] = []
        self._held: list[Exchange] = []

    def arrive(self, exchange: Exchange) -> None:
        """Have a request read, and its call begun."""
        exchange.phase = ARRIVED
        self._arrived.append(exchange)
        self._wake()

    def place(self, exchange: Exchange) -> None:
        """Have an attempt held that has its place."""
        exchange.phase = PLACED
        self._placed.append(exchange)
        self._wake()

    def hold(self, exchange: Exchange) -> None:
        """Have an attempt sent that is held."""
        exchange.phase = HELD
        self._held.append(exchange)
        self._wake()

    def reply(self, exchange: Exchange, upstream: UpstreamConnection) -> None:
        """Have a whole reply read and metered."""
        exchange.phase = WHOLE
        self._whole.append(upstream)
        self._wake()

    def settle(self, answer: Answer) -> None:
        """Have posted what a reply has cost."""
        answer.exchange.phase = METERED
        self._metered.append(answer)
        self._wake()

    def tell(self, answer: Answer) -> None:
        """Have a client told what its call was answered with."""
        answer.exchange.phase = TELLING
        self._answers.append(answer)
        self._wake()

    def _wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._outbox.soon(self._run)

    def run(self) -> None:
        """Take everything that waits through its stages, and send what comes of it."""
        self._outbox.expect()
        try:
            self._read_replies()
            self._meter()
            self._settle()
            self._tell()
            self._read_requests()
            self._begin()
            self._hold()
            self._send()
        finally:
            self._is_due = False
            if any((*self._replies(), *self._requests())):
                # They were too many, or a bug of ours has stopped one, and those behind it with it.
                self._wake()
            self._outbox.flush()

    def _replies(self) -> tuple[Sized, ...]:
        return self._whole, self._said, self._metered, self._answers

    def _requests(self) -> tuple[Sized, ...]:
        return self._arrived, self._asked, self._placed, self._held

    # Each takes from the end, for that costs nothing; so what is there is turned around first.
    # Each is written out, for what is called through a variable is dearer when compiled.

    def _read_replies(self) -> None:
        whole = self._whole
        whole.reverse()
        while whole and len(self._said) < TOGETHER_MAX:
            upstream = whole.pop()
            exchange = upstream.exchange
            if exchange is not None and exchange.phase == WHOLE:
                exchange.phase = BODY
                is_read = False
                try:
                    self._said.append((upstream, exchange.read_reply()))
                    is_read = True
                finally:
                    if not is_read:
                        exchange.cancel()
        whole.reverse()

    def _meter(self) -> None:
        said = self._said
        said.reverse()
        while said:
            upstream, report = said.pop()
            if upstream.exchange is not None:
                has_ended = False
                try:
                    upstream.end(report)
                    has_ended = True
                finally:
                    if not has_ended:
                        upstream.abort()

    def _settle(self) -> None:
        metered = self._metered
        metered.reverse()
        while metered:
            answer = metered.pop()
            exchange = answer.exchange
            if exchange.phase == METERED:
                exchange.phase = BODY
                self._pipeline.endings.post(answer)

    def _tell(self) -> None:
        answers = self._answers
        answers.reverse()
        while answers:
            answer = answers.pop()
            exchange = answer.exchange
            if exchange.phase == TELLING:
                exchange.phase = RECEIVED
                answer.write()
                self._pipeline.endings.finish(exchange)

    def _read_requests(self) -> None:
        pipeline, arrived = self._pipeline, self._arrived
        arrived.reverse()
        while arrived and len(self._asked) < TOGETHER_MAX:
            exchange = arrived.pop()
            if exchange.phase == ARRIVED:
                exchange.phase = RECEIVED
                refusal = read(pipeline.world, exchange)
                if refusal is None:
                    exchange.phase = ARRIVED
                    self._asked.append(exchange)
                else:
                    pipeline.proceed(exchange, refusal)
        arrived.reverse()

    def _begin(self) -> None:
        asked = self._asked
        asked.reverse()
        while asked:
            exchange = asked.pop()
            if exchange.phase == ARRIVED:
                exchange.phase = RECEIVED
                self._pipeline.proceed(exchange, None)

    def _hold(self) -> None:
        placed = self._placed
        placed.reverse()
        while placed:
            exchange = placed.pop()
            if exchange.phase == PLACED:
                exchange.phase = RECEIVED
                self._pipeline.hold(exchange)

    def _send(self) -> None:
        held = self._held
        held.reverse()
        while held:
            exchange = held.pop()
            if exchange.phase == HELD:
                exchange.phase = RECEIVED
                self._pipeline.dispatch(exchange)
