"""`make bench-peers`: other AI gateways beside nginx and Headgate, everything on, in one run.

    make bench-peers                               three rounds; the first time installs the peers
    make bench-peers ARGS="--rounds 2 --record"    writes the section of docs/performance.md anew

A peer that cannot be installed or does not start is left out, and the report says so.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import asking, machine, report, rounds, tools
from bench.gateways import UPSTREAM_PORT, Gateway, NotReadyError
from bench.peers import probe, side_by_side, table
from bench.peers.install import NotInstalledError
from bench.peers.litellm import LiteLLM
from bench.peers.peer import Peer
from bench.peers.portkey import Portkey
from bench.peers.side_by_side import Beside, Books
from bench.peers.tensorzero import TensorZero
from bench.run import HEADGATE_PORT, NGINX_PORT, NOT_MEASURED, pair, prepare, say, upstream
from bench.tools import BUILD

PEERS: tuple[type[Peer], ...] = (LiteLLM, TensorZero, Portkey)
FIRST_PORT = 9221
OWN_OPEN_STREAMS = 1_000
ABSENT = {
    "Bifrost": "its package on npm downloads the gateway itself from a host that is no registry",
}
BOOKS_DIFFER = 3


def arguments_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    names = [peer.name.lower() for peer in PEERS]
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all loads (default 3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load (default 2)")
    parser.add_argument("--only", choices=names, action="append", help="this peer; may be repeated")
    parser.add_argument("--interpreted", action="store_true", help="do not compile the data plane")
    parser.add_argument("--record", action="store_true", help="write docs/performance.md")
    return parser.parse_args(words)


def installed(peers: Sequence[Peer], absent: dict[str, str]) -> list[Peer]:
    """Install peers; returns those that are there, and why another is not goes into `absent`."""
    found = []
    for peer in peers:
        say(f"{peer.name} {peer.version}")
        try:
            peer.install()
            found.append(peer)
        except NotInstalledError as error:
            absent[peer.name] = reason(error)
    return found


@contextmanager
def running(peers: Sequence[Peer], absent: dict[str, str]) -> Iterator[list[tuple[Peer, Gateway]]]:
    """Keep peers up; why one does not start goes into `absent`."""
    with ExitStack() as stack:
        started = []
        for port, peer in enumerate(peers, FIRST_PORT):
            say(f"starting {peer.name}")
            try:
                gateway = peer.start(port)
                stack.callback(gateway.stop)
                started.append((peer, gateway))
            except NotReadyError as error:
                absent[peer.name] = reason(error)
        yield started


def reason(error: Exception) -> str:
    """Say why a peer is left out, and return the last line of it for the report."""
    say(f"not run: {error}")
    return str(error).strip().rpartition("\n")[2]


def books_of(peers: Sequence[Beside]) -> list[Books]:
    """Return what Headgate and the peers have answered, and what they say that it cost."""
    found = []
    asked: list[tuple[Gateway, Callable[[], int | None]]] = [
        (peers[0].headgate, partial(asking.posted_nanos, HEADGATE_PORT))
    ]
    asked += [(each.running, partial(each.peer.spent_nanos, each.running)) for each in peers]
    for gateway, spent in asked:
        cost = table.cost_nanos(gateway.calls, gateway.streams)
        said = side_by_side.settled(spent)
        found.append(Books(gateway.name, gateway.calls, gateway.streams, cost, said))
    return found


def told_by(peers: Sequence[Beside]) -> list[str]:
    """Return a sentence for each peer whose answers say what a call and a stream cost."""
    found = []
    for each in peers:
        strain, running = each.peer.strain, each.running
        try:
            bodies = [probe.answer(running, load) for load in (strain.plain(), strain.paced())]
        except (OSError, ValueError) as error:
            say(str(error))
            continue
        call, stream = (each.peer.told_nanos(body) for body in bodies)
        if call is not None and stream is not None:
            found.append(table.told(each.peer.name, call, stream))
    return found


def measure(arguments: argparse.Namespace) -> tuple[str, bool]:
    """Measure all that was asked for; returns the report, and whether Headgate's books are right.

    Raises:
        NotReadyError: Nobody to be held against runs.
    """
    chosen = [peer() for peer in PEERS if not arguments.only or peer.name.lower() in arguments.only]
    absent = dict(ABSENT)
    there = installed(chosen, absent)
    disturbance = table.disturbance(os.getloadavg()[0])
    parts = [report.listing(machine.facts(BUILD))]
    parts += [] if disturbance is None else [disturbance]
    with (
        upstream() as process,
        pair((NGINX_PORT, HEADGATE_PORT)) as (nginx, headgate),
        running(there, absent) as peers,
    ):
        if not peers:
            raise NotReadyError("no peer runs here")
        alone = Gateway("upstream", UPSTREAM_PORT, process)
        group = [Beside(peer, each, nginx, headgate, alone) for peer, each in peers]
        headgate.name = "Headgate"
        say("memory")
        own = [(nginx, OWN_OPEN_STREAMS), (headgate, OWN_OPEN_STREAMS)]
        weights = side_by_side.weigh(
            own + [(each, peer.strain.open_streams) for peer, each in peers]
        )
        readings = side_by_side.compare(
            group, number=arguments.rounds, seconds=arguments.seconds, say=say
        )
        say("books")
        told = told_by(group)
        books = books_of(group)
        equal, sentence = asking.books(HEADGATE_PORT)
    found = [row for each in readings for row in each.compared()]
    begun = [row for each in readings for row in each.first_byte()]
    failures = [failure for each in readings for failure in each.failures()]
    parts += [table.costs(found, failures), table.verdict(found)]
    parts.append(table.better(headgate.name, begun, weights))
    parts += [table.first_bytes(begun), table.weights(weights), table.books(books), *told]
    parts.append(f"`headgate check-books` beside the running node: {sentence}.")
    features = {f"{peer.name} {peer.version}": (peer.on, peer.more) for peer, _ in peers}
    parts.append(table.notes(features, absent))
    return "\n\n".join(parts), equal and books[0].cost_nanos == books[0].said_nanos


def main() -> int:
    """Run it; returns the exit status."""
    arguments = arguments_of()
    try:
        prepare(interpreted=arguments.interpreted)
        text, right = measure(arguments)
    except (
        tools.MissingToolError,
        NotReadyError,
        rounds.BadAnswersError,
        subprocess.SubprocessError,
    ) as error:
        say(str(error))
        return NOT_MEASURED
    if arguments.record:
        report.record(text, begin=table.BEGIN, end=table.END)
    sys.stdout.write(f"{text}\n")
    return 0 if right else BOOKS_DIFFER


if __name__ == "__main__":
    raise SystemExit(main())
