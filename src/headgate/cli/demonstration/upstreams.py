"""The demonstration's providers: one simulator that is paid, and one to compare with.

Both run in one event loop, so that a request sent straight to the second and one that goes
through the gateway to the first meet the same load; their bills are apart.
"""

import asyncio

from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.cli.demonstration.messages import UpstreamsReady, UpstreamsSetup
from headgate.simulator import INSTANT, Options, Pace, Simulator
from headgate.simulator.loops import new_event_loop

PACE = Pace(ttft_ms=60, delay_ms=6, chunk_tokens=4)
OUTPUT_TOKENS = 60


async def _serve(setup: UpstreamsSetup) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    at_end_of_input(lambda: loop.call_soon_threadsafe(stopping.set))
    options = Options(pace=PACE, output_tokens=OUTPUT_TOKENS)
    async with (
        Simulator(seed=setup.seed, options=options) as paid,
        Simulator(seed=setup.seed, options=Options(pace=INSTANT)) as baseline,
    ):
        tell(
            UpstreamsReady(paid.openai_url, paid.anthropic_url, paid.admin_url, baseline.openai_url)
        )
        await stopping.wait()


def main() -> None:
    """Serve until the demonstration ends."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(read_setup(UpstreamsSetup)))


if __name__ == "__main__":
    main()
