"""Its providers: two accounts at one, and one in the European Union; each keeps its own bill."""

import asyncio
from contextlib import AsyncExitStack

from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.cli.demonstration.messages import UpstreamsSetup
from headgate.cli.demonstration.sessions.messages import Place, PlacesReady
from headgate.simulator import INSTANT, Options, Simulator
from headgate.simulator.loops import new_event_loop

PLACES = ("first", "second", "eu")


async def _serve(setup: UpstreamsSetup) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    at_end_of_input(lambda: loop.call_soon_threadsafe(stopping.set))
    async with AsyncExitStack() as stack:
        ready: dict[str, Place] = {}
        for number, name in enumerate(PLACES):
            simulator = Simulator(seed=setup.seed + number, options=Options(pace=INSTANT))
            await stack.enter_async_context(simulator)
            ready[name] = Place(simulator.anthropic_url, simulator.admin_url)
        tell(PlacesReady(ready))
        await stopping.wait()


def main() -> None:
    """Serve until the demonstration ends."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(read_setup(UpstreamsSetup)))


if __name__ == "__main__":
    main()
