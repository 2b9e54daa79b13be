"""Four scripts that any gateway with a limit can be put through, and what each finds.

The upstream is the simulator, whose bill is what a provider would charge. Every reply uses all the
output it may, so a call costs nearly as much as it can: who holds the worst case admits as many
calls as fit, and who does not is not helped by cheap replies.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from tests.node.wire import CHAT, Call, Reply, chat, post, send, send_all
from tests.torture.peers.gateway import Gateway, settled_nanos, until

TOKENS = 8_000
BODY = chat(f"Count. [sim:tokens={TOKENS}]", tokens=TOKENS)
STREAM_TOKENS, PIECE_TOKENS = 400, 8
PIECES = STREAM_TOKENS // PIECE_TOKENS
# As long as a stream, so that neither what is settled nor what is in flight is lost in the sum.
SHORT = chat(f"Count. [sim:tokens={STREAM_TOKENS}]", tokens=STREAM_TOKENS)
STREAM = chat(
    f"Go on. [sim:tokens={STREAM_TOKENS}] [sim:chunk_tokens={PIECE_TOKENS}] [sim:delay_ms=40]",
    tokens=STREAM_TOKENS,
    stream=True,
    stream_options={"include_usage": True},
)
AMPLE = 1_000
DECIDED_S, ENDED_S = 90.0, 120.0
NANOS = 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one script.

    Attributes:
        calls: How many were made, or tried.
        fitting: How many the limit has room for.
        admitted: How many reached the upstream.
        limit_nanos: The limit.
        billed_nanos: What the upstream charged for.
        recorded_nanos: What the gateway says was spent, when that no longer changed; None where it
            keeps no books.
    """

    calls: int
    fitting: int
    admitted: int
    limit_nanos: int
    billed_nanos: int
    recorded_nanos: int | None

    @property
    def over_nanos(self) -> int:
        """How far the bill is over the limit; 0 when it is not."""
        return max(0, self.billed_nanos - self.limit_nanos)

    @property
    def missing_nanos(self) -> int:
        """How much of the bill is not in the gateway's books; negative when they have more."""
        assert self.recorded_nanos is not None, "it keeps no books"
        return self.billed_nanos - self.recorded_nanos


def price_nanos() -> int:
    """Return what one call with `BODY` is billed, by making it without a gateway."""
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        direct = chat(f"Count. [sim:tokens={TOKENS}]", model="gpt-5.4-mini", tokens=TOKENS)
        url = simulator.openai_url.removesuffix("/v1")
        assert post(url, CHAT, "sk-upstream", direct).status == 200
        return billed(simulator)


def billed(simulator: Simulator) -> int:
    """Return what the upstream has charged so far, in nano-dollars."""
    nanos = simulator.bill.total * NANOS
    assert nanos.denominator == 1, "prices are whole nano-dollars a token"
    return nanos.numerator


def stampede(gateway: Gateway, calls: int = 200, fitting: int = 20) -> Finding:
    """Send many calls at once; the upstream answers none before all are decided."""
    limit = price_nanos() * (2 * fitting + 1) // 2
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        gateway.start(simulator, limit)
        simulator.gate.close()
        asyncio.run(_decided(gateway, simulator, calls))
        return _found(gateway, simulator, calls, fitting, limit)


async def _decided(gateway: Gateway, simulator: Simulator, calls: int) -> None:
    refused = 0

    async def one() -> None:
        nonlocal refused
        reply = await send(gateway.base_url, Call(CHAT, gateway.key, BODY))
        refused += reply.status != 200

    crowd = asyncio.gather(*(one() for _ in range(calls)))
    gate = simulator.gate
    await asyncio.to_thread(until, lambda: gate.waiting + refused >= calls, DECIDED_S)
    gate.release()
    async with asyncio.timeout(ENDED_S):
        await crowd


def last_cent(gateway: Gateway, fitting: int = 5) -> Finding:
    """Make one call after the other until one is refused; half of one is left when all fit."""
    limit = price_nanos() * (2 * fitting + 1) // 2
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        gateway.start(simulator, limit)
        made, status = 0, 200
        while status == 200 and made < 3 * fitting:
            status = post(gateway.base_url, CHAT, gateway.key, BODY).status
            made += 1
        return _found(gateway, simulator, made, fitting, limit)


def killed(gateway: Gateway, settled: int = 10, streams: int = 16) -> Finding:
    """Settle some calls, kill all processes a third into some streams, and start again."""
    limit = price_nanos() * AMPLE
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        gateway.start(simulator, limit)
        for _ in range(settled):
            assert post(gateway.base_url, CHAT, gateway.key, SHORT).status == 200
        # Whoever writes behind the calls has had the time for it.
        settled_nanos(gateway)
        asyncio.run(_under_streams(gateway, streams, streams * PIECES // 3, gateway.kill))
        gateway.restart()
        return _found(gateway, simulator, settled + streams, AMPLE, limit)


async def _under_streams(
    gateway: Gateway, count: int, pieces: int, act: Callable[[], None]
) -> list[Reply]:
    enough = asyncio.Event()
    left = pieces

    def told(_payload: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            enough.set()

    calls = [Call(CHAT, gateway.key, STREAM, on_payload=told) for _ in range(count)]
    answers = asyncio.create_task(send_all(gateway.base_url, calls))
    async with asyncio.timeout(ENDED_S):
        await enough.wait()
        act()
        return await answers


def abandoned(gateway: Gateway, streams: int = 20) -> Finding:
    """Have every client hang up a third into its stream."""
    limit = price_nanos() * AMPLE
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        gateway.start(simulator, limit)
        asyncio.run(_hang_up(gateway, streams, PIECES // 3))
        return _found(gateway, simulator, streams, AMPLE, limit)


async def _hang_up(gateway: Gateway, streams: int, after: int) -> None:
    async def one() -> None:
        enough = asyncio.Event()
        left = after

        def told(_payload: bytes) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                enough.set()

        call = Call(CHAT, gateway.key, STREAM, on_payload=told)
        streaming = asyncio.create_task(send(gateway.base_url, call))
        await enough.wait()
        streaming.cancel()
        await asyncio.wait((streaming,))
        assert streaming.cancelled(), "the stream was over before the client could leave"

    async with asyncio.timeout(ENDED_S):
        await asyncio.gather(*(one() for _ in range(streams)))


def _found(gateway: Gateway, simulator: Simulator, calls: int, fitting: int, limit: int) -> Finding:
    """Wait for the books of both sides, and stop the gateway."""
    assert until(lambda: simulator.generating == 0, ENDED_S)
    recorded = settled_nanos(gateway) if gateway.keeps_books else None
    gateway.stop()
    admitted = simulator.gate.seen
    return Finding(calls, fitting, admitted, limit, billed(simulator), recorded)
