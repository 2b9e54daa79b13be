"""A simulator: four providers on loopback ports, with one bill, one gate and one fault board."""

import asyncio
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from headgate.simulator.admin import PREFIX, Admin
from headgate.simulator.anthropic_batches import AnthropicBatches
from headgate.simulator.anthropic_messages import AnthropicMessages
from headgate.simulator.anywhere import credited, placed
from headgate.simulator.azure_batches import AzureBatches
from headgate.simulator.azure_openai import AzureOpenAI
from headgate.simulator.backend import Backend, Shared
from headgate.simulator.batches import BatchControl, Batched, Run
from headgate.simulator.bill import Bill
from headgate.simulator.dialect import Dialect
from headgate.simulator.faults import FaultBoard
from headgate.simulator.gate import Gate
from headgate.simulator.gemini import Gemini
from headgate.simulator.loops import new_event_loop
from headgate.simulator.models import ProviderName, any_model, find_model
from headgate.simulator.openai import OpenAI
from headgate.simulator.openai_batches import OpenAIBatches
from headgate.simulator.pace import Pace
from headgate.simulator.received import ReceivedRequests
from headgate.simulator.replies import json_reply
from headgate.simulator.reports import Reports
from headgate.simulator.server import Connection, Exchange, Request
from headgate.simulator.skills import Skills
from headgate.simulator.tokens import Lexicon

START_TIMEOUT_S = 10.0
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """How a simulator is set up.

    Attributes:
        openai_port: 0 picks a free one; so do the others.
        output_tokens: Visible tokens of an answer, unless a marker says otherwise.
        tls_cert: PEM file of the certificate chain; with `tls_key` the ports speak TLS.
        bill_log: File to which each charge is appended as a line of JSON.
        any_model: Serve whatever is asked for, as a stand-in does that knows no names.
    """

    host: str = "127.0.0.1"
    openai_port: int = 0
    anthropic_port: int = 0
    gemini_port: int = 0
    azure_port: int = 0
    pace: Pace = field(default_factory=Pace)
    output_tokens: int = 40
    tls_cert: Path | None = None
    tls_key: Path | None = None
    bill_log: Path | None = None
    any_model: bool = False


class Simulator:
    """Runs in the current event loop: `async with Simulator(seed=7) as simulator: ...`.

    Attributes:
        bill: What was charged.
        faults: What goes wrong.
        skills: What models can do.
        gate: Holds requests back.
        received: The requests as they came.
        batches: Holds batches back.
        openai_url: Base URL for the OpenAI SDK, with `/v1`; set once it runs.
        anthropic_url: Base URL for the Anthropic SDK; set once it runs.
        gemini_url: Base URL for the Google GenAI SDK; set once it runs.
        azure_url: Base URL of Azure OpenAI, with `/openai/v1`; set once it runs.
        admin_url: Where the control surface is; set once it runs.
        any_url: Where all three answer, below any path, with any credential; set once it runs.
    """

    def __init__(self, *, seed: int = 0, options: Options | None = None) -> None:
        self.options = options or Options()
        self.bill = Bill(self.options.bill_log)
        self.faults = FaultBoard()
        self.skills = Skills()
        self.gate = Gate()
        self.received = ReceivedRequests()
        self.batches = BatchControl()
        self.openai_url = self.anthropic_url = self.gemini_url = self.admin_url = ""
        self.any_url = self.azure_url = ""
        self._advanced_s = 0.0
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._backends: dict[ProviderName, Backend] = {}
        self._shared = Shared(
            pace=self.options.pace,
            output_tokens=self.options.output_tokens,
            random=random.Random(seed),  # noqa: S311 - repeatable jitter, not a secret
            lexicon=Lexicon(seed),
            bill=self.bill,
            faults=self.faults,
            gate=self.gate,
            received=self.received,
            skills=self.skills,
        )

    @property
    def pace(self) -> Pace:
        """The usual speed of all models; may be set at any time."""
        return self._shared.pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._shared.pace = pace

    @property
    def generating(self) -> int:
        """Generations that began and have not been charged yet."""
        return self._shared.generating

    def advance(self, seconds: float) -> None:
        """Let the prompt caches grow older by `seconds`."""
        self._advanced_s += seconds

    async def start(self) -> None:
        """Listen on all ports."""
        options = self.options
        find = any_model if options.any_model else find_model
        openai = await self._listen(OpenAI(self._clock, find), options.openai_port, OpenAIBatches)
        self.anthropic_url = await self._listen(
            AnthropicMessages(self._clock, find), options.anthropic_port, AnthropicBatches
        )
        self.gemini_url = await self._listen(Gemini(self._clock, find), options.gemini_port)
        azure = AzureOpenAI(self._clock, find)
        self.azure_url = await self._listen(azure, options.azure_port, AzureBatches)
        self.azure_url += "/openai/v1"
        self.any_url = await self._serve(self._anywhere, 0)
        self.openai_url = f"{openai}/v1"
        self.admin_url = f"{openai}{PREFIX.rstrip('/')}"

    async def stop(self) -> None:
        """Close all connections; what was being streamed is charged as far as it was sent."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.abort()
            await connection.closed.wait()
        self.bill.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def _clock(self) -> float:
        return time.monotonic() + self._advanced_s

    async def _listen(
        self,
        dialect: Dialect,
        port: int,
        batched: Callable[[BatchControl, Run], Batched] | None = None,
    ) -> str:
        reports = Reports(lambda: self.bill.entries)
        backend = Backend(dialect, self._shared)
        if batched is not None:
            backend.batched = batched(self.batches, backend.run_batched)
        self._backends[dialect.provider] = backend
        return await self._serve(_route(backend, Admin(self._shared), reports), port)

    def _anywhere(self, request: Request, exchange: Exchange) -> None:
        found = placed(request.target)
        if found is None:
            exchange.reply(json_reply(404, (), {"error": {"message": "nobody answers here"}}))
            return
        provider, target = found
        self._backends[provider].handle(credited(request, target), exchange)

    async def _serve(self, handle: Callable[[Request, Exchange], None], port: int) -> str:
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(handle, self._connections),
            self.options.host,
            port,
            ssl=_tls_context(self.options),
            backlog=BACKLOG,
        )
        self._servers.append(server)
        host, bound_port = server.sockets[0].getsockname()[:2]
        scheme = "https" if self.options.tls_cert else "http"
        return f"{scheme}://{host}:{bound_port}"


class SimulatorThread:
    """Runs a simulator in a thread of its own: `with SimulatorThread(seed=7) as simulator: ...`.

    The bill, the faults, the skills, the gate, the pace and the received requests may be used from
    any thread.
    """

    def __init__(self, *, seed: int = 0, options: Options | None = None) -> None:
        self.simulator = Simulator(seed=seed, options=options)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def __enter__(self) -> Simulator:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise TimeoutError(f"the simulator did not start within {START_TIMEOUT_S} s")
        if self._trouble is not None:
            raise self._trouble
        return self.simulator

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._loop is not None, "a thread that is left was entered"
        assert self._stopping is not None, "a thread that is left was entered"
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_TIMEOUT_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            await self.simulator.start()
        except OSError as error:
            self._trouble = error
            return
        finally:
            self._ready.set()
        await self._stopping.wait()
        await self.simulator.stop()


def _route(backend: Backend, admin: Admin, reports: Reports) -> Callable[[Request, Exchange], None]:
    def handle(request: Request, exchange: Exchange) -> None:
        if request.target.startswith(PREFIX):
            admin.handle(request, exchange)
        elif reports.handles(request):
            reports.handle(request, exchange)
        else:
            backend.handle(request, exchange)

    return handle


def _tls_context(options: Options) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context
