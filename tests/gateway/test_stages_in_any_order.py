"""Whatever happens between two stages, in whatever order: each hold ends once."""

import asyncio
from collections.abc import Callable
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.exchange import Exchange
from headgate.gateway.sweep import sweep
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.units import errors
from headgate.units.errors import Refusal
from tests.gateway.calls import chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import STREAM_HEAD, chunk, completion, event, whole

CLIENTS = 3
AN_HOUR_MS = 3_600_000
TURNS = 4
STAGES = ("read_replies", "meter", "settle", "tell", "read_requests", "begin", "hold", "send")

TO_CALLS = ("ask", "ask", "ask", "stream", "reply", "reply", "reply", "refuse", "half", "event")
ENDS = ("leave", "lose", "cut")

acts = st.one_of(
    st.tuples(st.sampled_from((*TO_CALLS, *ENDS)), st.integers(0, CLIENTS - 1)),
    st.tuples(st.sampled_from((*STAGES, "turn", "turn", "sweep", "late")), st.just(0)),
)


class Sink(asyncio.Transport):
    """A transport whose other end is the test."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__()
        self._lost = lost
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what is sent, and lose it."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def pause_reading(self) -> None:
        """Nothing comes that the test does not send."""

    def resume_reading(self) -> None:
        """Likewise."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def can_write_eof(self) -> bool:
        """It has no half that could be closed."""
        return False

    def close(self) -> None:
        """Close; the protocol is told in a turn to come."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._lost)

    def abort(self) -> None:
        """Close, and forget what was to be sent."""
        self.close()


class Play:
    """Clients and connections to the provider of which the test has the other ends."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pipeline = gateway.pipeline
        self._clients: dict[int, ClientConnection] = {}

    def act(self, name: str, number: int) -> None:
        """Do one thing."""
        if name in STAGES:
            getattr(self._pipeline.stages, f"_{name}")()
        elif name in ("sweep", "late"):
            step_ms = 1 if name == "sweep" else AN_HOUR_MS
            sweep(self._pipeline, self._pipeline.coarse_ms + step_ms)
        elif name in ("ask", "stream"):
            self._ask(number, stream=name == "stream")
        else:
            self._to_call(name, number)

    def _ask(self, number: int, *, stream: bool) -> None:
        pool = self._pipeline.world.pools[0]
        while len(pool._idle) < CLIENTS:
            fresh = UpstreamConnection(pool)
            fresh.connection_made(Sink(partial(fresh.connection_lost, None)))
            pool.put(fresh)
        client = self._clients.get(number)
        if client is None or client.transport is None or client.transport.is_closing():
            client = self._clients[number] = ClientConnection(self._pipeline)
            client.connection_made(Sink(partial(self._leave, client)))
        if not client.busy and client.phase == "idle":
            client.data_received(request(chat(stream=stream)))

    def _leave(self, client: ClientConnection) -> None:
        if client.transport is not None:
            client.connection_lost(None)

    def _to_call(self, name: str, number: int) -> None:
        client = self._clients.get(number)
        if client is None or client.transport is None:
            return
        exchange = client.exchange
        if name == "leave":
            self._leave(client)
        elif exchange is not None and exchange.phase != "done":
            self._to_exchange(name, exchange)

    def _to_exchange(self, name: str, exchange: Exchange) -> None:
        if name == "cut":
            refusal = Refusal(errors.FROZEN, errors.FROZEN.sentence)
            self._pipeline.endings.cut(exchange, refusal)
            return
        upstream = exchange.upstream
        if upstream is None or upstream.transport is None:
            return
        if name == "lose":
            upstream.connection_lost(None)
        elif not upstream.transport.is_closing():
            upstream.data_received(said(name, begun=exchange.phase == "body"))

    async def turn(self) -> None:
        """Let the loop turn: whoever waits for money hears of it, and what is due is done."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Answer what is open, in order, until every call is over."""
        for _ in range(6):
            await self.turn()
            for exchange in list(self._pipeline.exchanges):
                upstream = exchange.upstream
                if upstream is not None and upstream.transport is not None:
                    self._to_exchange("reply" if exchange.phase == "reply" else "lose", exchange)
        for client in self._clients.values():
            self._leave(client)
        await self.turn()


def said(name: str, *, begun: bool) -> bytes:
    """Return what a provider says; `begun` is whether it has said something already."""
    reply = whole(completion())
    if name == "half":
        return reply[:-20] if not begun else b""
    if name == "refuse":
        return b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
    if name == "event":
        return chunk(event()) if begun else STREAM_HEAD + chunk(event())
    return reply


def test_each_hold_ends_once(start: Start) -> None:
    """And no place stays taken, in memory as in the journal."""
    gateway = start(openai_url="http://127.0.0.1:9/v1", limits="lag_max_ms = 0")

    @settings(max_examples=200, deadline=None)
    @given(st.lists(acts, min_size=6, max_size=40))
    def play(script: list[tuple[str, int]]) -> None:
        async def run() -> None:
            stage = Play(gateway)
            for name, number in script:
                if name == "turn":
                    await stage.turn()
                else:
                    stage.act(name, number)
            await stage.end()

        gateway.await_in(run())
        gateway.assert_settled()

    play()
