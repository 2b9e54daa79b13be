"""One simulator and one gateway for the tests that need no other limits; checked after each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from tests.gateway.calls import config
from tests.gateway.inprocess import Gateway
from tests.gateway.recording import Recording

Start = Callable[..., Gateway]


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    """A simulator without any waits."""
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Iterator[Simulator]:
    """The simulator, without faults and with its gate open."""
    yield running_simulator
    running_simulator.faults.clear()
    running_simulator.gate.release()
    running_simulator.pace = INSTANT


@pytest.fixture(scope="session")
def running_gateway(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with the usual limits."""
    directory = tmp_path_factory.mktemp("gateway")
    text = config(running_simulator.openai_url, running_simulator.anthropic_url)
    with Gateway(directory, text) as gateway:
        yield gateway


@pytest.fixture
def gateway(running_gateway: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards whatever was held must be posted or voided, once."""
    yield running_gateway
    simulator.gate.release()
    running_gateway.assert_settled()
    running_gateway.heal()


@pytest.fixture
def start(simulator: Simulator, tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway of the test's own; arguments as for `config`, checked afterwards."""
    started: list[Gateway] = []

    def begin(*, openai_url: str = "", anthropic_url: str = "", **lines: str) -> Gateway:
        text = config(
            openai_url or simulator.openai_url, anthropic_url or simulator.anthropic_url, **lines
        )
        gateway = Gateway(tmp_path / f"gateway-{len(started)}", text)
        gateway.__enter__()
        started.append(gateway)
        return gateway

    yield begin
    simulator.gate.release()
    try:
        for gateway in started:
            gateway.assert_settled()
    finally:
        for gateway in started:
            gateway.__exit__(None, None, None)


@pytest.fixture
def recording() -> Iterator[Recording]:
    """A provider that runs."""
    with Recording() as one:
        yield one


@pytest.fixture(scope="session")
def running_slow() -> Iterator[Simulator]:
    """Another simulator, with a bill of its own."""
    with SimulatorThread(seed=8, options=Options(pace=INSTANT)) as simulator:
        yield simulator


@pytest.fixture
def slow(running_slow: Simulator) -> Iterator[Simulator]:
    """A provider that has what it is sent, and says nothing until its gate is opened."""
    running_slow.gate.close()
    yield running_slow
    running_slow.gate.release()
    running_slow.faults.clear()
