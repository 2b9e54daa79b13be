"""Run the simulated providers: `python -m headgate.simulator --openai-port 9101`."""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from headgate.simulator.loops import new_event_loop
from headgate.simulator.pace import Pace
from headgate.simulator.simulator import Options, Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status.

    Args:
        arguments: The command line without the program's name; None for the process's own.
    """
    given = _parser().parse_args(arguments)
    options = Options(
        host=given.host,
        openai_port=given.openai_port,
        anthropic_port=given.anthropic_port,
        gemini_port=given.gemini_port,
        azure_port=given.azure_port,
        pace=Pace(ttft_ms=given.ttft_ms, delay_ms=given.delay_ms, chunk_tokens=given.chunk_tokens),
        output_tokens=given.output_tokens,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        bill_log=given.bill_log,
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(Simulator(seed=given.seed, options=options), as_json=given.json))
    return 0


async def _serve(simulator: Simulator, *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with simulator:
        addresses = {
            "openai": simulator.openai_url,
            "anthropic": simulator.anthropic_url,
            "gemini": simulator.gemini_url,
            "azure": simulator.azure_url,
            "admin": simulator.admin_url,
            "pid": os.getpid(),
        }
        if as_json:
            print(json.dumps(addresses), flush=True)
        else:
            for name, address in addresses.items():
                print(f"{name:9} {address}", flush=True)
        await stopping.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headgate simulate",
        description="Simulated OpenAI, Anthropic, Google and Azure OpenAI.",
    )
    pace = Pace()
    parser.add_argument("--host", default="127.0.0.1", help="where to listen")
    parser.add_argument("--openai-port", type=int, default=9101, help="0 picks a free port")
    parser.add_argument("--anthropic-port", type=int, default=9102, help="0 picks a free port")
    parser.add_argument("--gemini-port", type=int, default=9103, help="0 picks a free port")
    parser.add_argument("--azure-port", type=int, default=9104, help="0 picks a free port")
    parser.add_argument("--seed", type=int, default=0, help="what chance follows from")
    parser.add_argument("--ttft-ms", type=float, default=pace.ttft_ms, help="to the first token")
    parser.add_argument("--delay-ms", type=float, default=pace.delay_ms, help="between pieces")
    parser.add_argument("--chunk-tokens", type=int, default=pace.chunk_tokens, help="in a piece")
    parser.add_argument(
        "--output-tokens", type=int, default=Options().output_tokens, help="of a usual answer"
    )
    parser.add_argument("--tls-cert", type=Path, help="a PEM file: speak HTTPS")
    parser.add_argument("--tls-key", type=Path, help="a PEM file with its key")
    parser.add_argument("--bill-log", type=Path, help="append each charge as a line of JSON")
    parser.add_argument("--json", action="store_true", help="print the addresses as one line")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
