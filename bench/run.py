"""`make bench`: what a call costs in Headgate, everything on, against nginx as a plain proxy."""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import trustme

from bench import (
    asking,
    harness,
    large_bodies,
    machine,
    package,
    processes,
    report,
    rounds,
    scaling,
    tools,
)
from bench.asking import Audit
from bench.gateways import (
    UPSTREAM_PORT,
    Gateway,
    NotReadyError,
    Trust,
    accepts,
    start_headgate,
    start_nginx,
    start_tls_front,
)
from bench.report import Once
from bench.tools import BUILD

NGINX_PORT, HEADGATE_PORT = 9211, 9212
NGINX_TLS_PORT, HEADGATE_TLS_PORT = 9213, 9214
STREAMS_OPEN = 1_000
STREAMS_SETTLE_S = 4
WARM_UP = rounds.Load("warm-up", connections=4, rate_per_s=20)
ABOVE_BAR, NOT_MEASURED, BOOKS_DIFFER = 1, 2, 3


def say(text: str) -> None:
    """Tell how far it is, on standard error."""
    sys.stderr.write(f"bench: {text}\n")


def arguments_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--gate", action="store_true", help="exit 1 when a ratio is above its bar")
    parser.add_argument("--rounds", type=int, default=5, help="paired rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load (default 2)")
    parser.add_argument("--connections", type=int, help="also: plain calls over so many")
    parser.add_argument("--rate", type=int, help="also: plain calls at so many a second")
    parser.add_argument("--bodies", type=int, help="also: plain calls with so many kB of prompt")
    parser.add_argument("--translated", action="store_true", help="also: calls that are translated")
    parser.add_argument("--tls", action="store_true", help="also: TLS to the upstream")
    parser.add_argument("--workers", action="store_true", help="also: two workers beside one")
    parser.add_argument("--once", action="store_true", help="also: first byte, memory; taken once")
    parser.add_argument("--all", action="store_true", help="all of the above")
    parser.add_argument("--harness", type=Path, help="folder of an independent harness")
    parser.add_argument("--own", action="store_true", help="use no independent harness")
    parser.add_argument("--interpreted", action="store_true", help="do not compile the data plane")
    parser.add_argument("--record", action="store_true", help="write docs/performance.md")
    return parser.parse_args(words)


def loads_of(arguments: argparse.Namespace) -> list[rounds.Load]:
    """Return the loads of the paired rounds: those with a bar, and those asked for."""
    connections = arguments.connections or (8 if arguments.all else None)
    rate = arguments.rate or (2_000 if arguments.all else None)
    bodies = arguments.bodies or (120 if arguments.all else None)
    loads = list(rounds.GATED)
    if arguments.translated or arguments.all:
        loads += rounds.TRANSLATED
    if connections:
        loads.append(rounds.Load(f"plain, {connections} connections", connections=connections))
    if rate:
        loads.append(rounds.Load(f"plain, {rate:,}/s", connections=64, rate_per_s=rate))
    if bodies:
        size = bodies * 1_000
        loads.append(rounds.Load(f"plain, {bodies} kB", connections=64, text_bytes=size))
    return loads


@contextmanager
def upstream() -> Iterator[subprocess.Popen[bytes]]:
    """Keep the upstream running.

    Raises:
        NotReadyError: Somebody else has its port, and would answer in its place.
    """
    if accepts(UPSTREAM_PORT):
        raise NotReadyError(f"port {UPSTREAM_PORT} is taken: is another benchmark running?")
    command = [str(BUILD / "upstream"), str(UPSTREAM_PORT)]
    process = processes.start(command, processes.LOAD_CORE, BUILD / "upstream.log")
    try:
        yield process
    finally:
        processes.stop(process)


@contextmanager
def pair(ports: tuple[int, int], trust: Trust | None = None) -> Iterator[tuple[Gateway, Gateway]]:
    """Keep nginx and a node running."""
    base = start_nginx(ports[0], trust)
    try:
        node = start_headgate(ports[1], trust)
        try:
            yield base, node
        finally:
            node.stop()
    finally:
        base.stop()


@contextmanager
def tls_front() -> Iterator[Trust]:
    """Keep a TLS end in front of the upstream, with a certificate of an authority of its own."""
    authority = trustme.CA()
    trust = Trust(BUILD / "ca.pem", BUILD / "upstream.pem")
    authority.cert_pem.write_to_path(trust.ca_file)
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(trust.certificate)
    process = start_tls_front(trust)
    try:
        yield trust
    finally:
        processes.stop(process)
        trust.certificate.unlink()  # No private key is left lying about.


def first_byte(base: Gateway, node: Gateway, seconds: float) -> list[Once]:
    """Return how long streams take to begin, at a steady pace."""
    sent = [rounds.send(each, rounds.FIRST_BYTE, seconds) for each in (base, node)]
    half = [f"{each.ttft_us_p50 / 1000:.2f} ms" for each in sent]
    most = [f"{each.ttft_us_p99 / 1000:.2f} ms" for each in sent]
    return [Once("first byte of a stream, p50", *half), Once("first byte, p99", *most)]


def memory() -> Once:
    """Return the memory a thousand open streams add to gateways that have done little so far.

    After heavy load they would have room from before, and seem to need less. A worker has memory
    in pages of 2 MB, and by chance one more or less; so it is the median of three new ones each.
    """
    added = []
    for _ in range(3):
        with pair((NGINX_PORT, HEADGATE_PORT)) as both:
            added.append([_memory_mb(each) for each in both])
    base, node = (f"{statistics.median(each):.1f} MB" for each in zip(*added, strict=True))
    return Once("1,000 open streams (median of three)", base, node)


def _memory_mb(gateway: Gateway) -> float:
    rounds.send(gateway, WARM_UP, 1)
    before = processes.memory_bytes(gateway.pids)
    streams = rounds.open_streams(gateway, STREAMS_OPEN, BUILD / "streams.log")
    time.sleep(STREAMS_SETTLE_S)
    added = processes.memory_bytes(gateway.pids) - before
    streams.wait(rounds.PATIENCE_S)
    gateway.streams += rounds.parse_sent((BUILD / "streams.log").read_text()).calls
    return added / 1e6 * 1000 / STREAMS_OPEN


class Measured:
    """What was measured.

    Attributes:
        machine: What it was measured on.
        found: The paired rounds, by load.
        extra: What was taken once.
        audits: The books of each node, and whose they are.
        more: Sentences and tables of their own.
        ratios: By load, the independent harness's in the place of ours.
    """

    def __init__(self) -> None:
        # Before anything is loaded: they say how busy the machine is otherwise.
        self.machine = machine.facts(BUILD)
        self.found: list[rounds.Compared] = []
        self.extra: list[Once] = []
        self.audits: list[tuple[str, Audit]] = []
        self.more: list[str] = []
        self.ratios: dict[str, float] = {}

    def text(self) -> str:
        """Return the report."""
        parts = [report.listing(self.machine), report.comparison(self.found), *self.more]
        if self.extra:
            parts.append(report.once(self.extra))
        parts += [f"Books ({whose}): {audit.sentence}" for whose, audit in self.audits]
        return "\n\n".join(parts)


def measure(arguments: argparse.Namespace) -> Measured:
    """Measure all that was asked for."""
    measured = Measured()
    with upstream():
        in_the_clear(arguments, measured)
        if arguments.tls or arguments.all:
            say("TLS to the upstream")
            over_tls(arguments, measured)
        if arguments.workers or arguments.all:
            say("two workers beside one")
            scaled, audit = scaling.compare(
                seconds=arguments.seconds, times=arguments.rounds, say=say
            )
            measured.more.append(scaling.sentence(scaled))
            measured.audits.append(("two workers", audit))
    measured.ratios = {each.load: each.ratio for each in measured.found}
    folder = None if arguments.own else harness.find(arguments.harness)
    if folder is not None:
        say("the independent harness")
        row = harness.run(folder, rounds=arguments.rounds, seconds=arguments.seconds)
        measured.ratios |= row.ratios
        measured.more.insert(0, report.independent(row))
    return measured


def in_the_clear(arguments: argparse.Namespace, measured: Measured) -> None:
    """Measure without TLS: the gate's loads, and what else was asked for."""
    if arguments.once or arguments.all:
        measured.extra.append(memory())
    with pair((NGINX_PORT, HEADGATE_PORT)) as (base, node):
        measured.found += rounds.compare(
            base,
            node,
            loads_of(arguments),
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            say=say,
        )
        if arguments.once or arguments.all:
            measured.extra += first_byte(base, node, 4)
        if arguments.translated or arguments.all:
            measured.extra.append(large_bodies.first_byte(base, node, 8))
        measured.audits.append(("of the node above", asking.audit(node)))


def over_tls(arguments: argparse.Namespace, measured: Measured) -> None:
    """Measure what the gate's loads cost both sides with TLS to the upstream."""
    loads = [replace(load, name=f"{load.name}, TLS to the upstream") for load in rounds.GATED]
    with tls_front() as trust, pair((NGINX_TLS_PORT, HEADGATE_TLS_PORT), trust) as (base, node):
        measured.found += rounds.compare(
            base, node, loads, rounds=arguments.rounds, seconds=arguments.seconds, say=say
        )
        measured.audits.append(("with TLS", asking.audit(node)))


def prepare(*, interpreted: bool) -> None:
    """Have all there that is measured with; the data plane compiled, if that can be done.

    Raises:
        tools.MissingToolError: Something is missing that cannot be installed.
    """
    tools.require(tools.missing(), may_install=tools.may_install())
    tools.compile_programs()
    if not interpreted and (reason := package.compile_it()) is not None:
        say(f"the data plane is measured interpreted, for it cannot be compiled: {reason}")


def main() -> int:
    """Run the benchmark; returns the exit status."""
    arguments = arguments_of()
    try:
        prepare(interpreted=arguments.interpreted)
        measured = measure(arguments)
    except (
        tools.MissingToolError,
        NotReadyError,
        rounds.BadAnswersError,
        harness.HarnessError,
    ) as error:
        say(str(error))
        return NOT_MEASURED
    text = measured.text()
    complaints = report.above(measured.ratios)
    ending = report.last_line(measured.ratios)
    if arguments.record:
        report.record("\n\n".join([text, f"`{ending}`", report.verdict(complaints)]))
    sys.stdout.write(f"{text}\n\n")
    for complaint in complaints:
        say(complaint)
    sys.stdout.write(f"{ending}\n")
    if not all(audit.right for _, audit in measured.audits):
        say("the books of a node are not what it has answered")
        return BOOKS_DIFFER
    return ABOVE_BAR if complaints and arguments.gate else 0


if __name__ == "__main__":
    raise SystemExit(main())
