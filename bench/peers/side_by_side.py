"""The rounds: each load of a peer goes to nginx, to Headgate and to the peer, one after the other.

All gateways are up all the time. A peer that answers a load wrongly has no figure for it, and that
is told; it is not asked for that load again.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from bench import processes, rounds
from bench.gateways import Gateway
from bench.peers.peer import Peer
from bench.rounds import BadAnswersError, Cost, Load, Sent
from bench.tools import BUILD

WARM_UPS = (
    Load("warm-up", connections=4, rate_per_s=20),
    Load("warm-up", connections=4, model="m-c25-d20", rate_per_s=4, streamed=True),
)
"""Before memory is read, so that what is loaded at the first stream is not each stream's."""
WARM_UP_S = 3
STREAMS_SETTLE_S = 6
QUIET_S, LOOK_S, SETTLED_S = 3.0, 0.5, 60.0
"""Books that have not moved for so long are settled; how often they are read, and for how long."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A peer that runs, and who it is held against.

    Attributes:
        upstream: The upstream itself, for what the first byte takes without a gateway.
    """

    peer: Peer
    running: Gateway
    nginx: Gateway
    headgate: Gateway
    upstream: Gateway

    @property
    def three(self) -> tuple[Gateway, Gateway, Gateway]:
        """The three that are compared, in the order in which they are loaded."""
        return self.nginx, self.headgate, self.running


class Compared(NamedTuple):
    """A load's figures over all rounds: medians, and medians of the rounds' ratios; us of CPU time.

    Attributes:
        headgate_ratio: Headgate to nginx.
        peer_ratio: The peer to Headgate: how many times as much it costs.
        peer_per_s: Calls, or events of streams, that the peer carried in a second.
        good: Whether the peer answered well; otherwise there are no figures.
    """

    peer: str
    load: Load
    nginx_us: float = 0
    headgate_us: float = 0
    peer_us: float = 0
    headgate_ratio: float = 0
    peer_ratio: float = 0
    peer_per_s: float = 0
    good: bool = False


class FirstByte(NamedTuple):
    """How long streams take to begin, in microseconds.

    Each is a median over the rounds, of their medians and of their 99th percentiles.
    """

    peer: str
    begun_per_s: int
    upstream: tuple[float, float]
    nginx: tuple[float, float]
    headgate: tuple[float, float]
    running: tuple[float, float]


class Weight(NamedTuple):
    """The memory of a gateway (PSS of all processes), after some calls and per open stream."""

    name: str
    idle_mb: float
    stream_kb: float
    streams: int


class Books(NamedTuple):
    """What a gateway has answered, what that costs, and what it says was spent.

    Attributes:
        said_nanos: None: it keeps no books.
    """

    name: str
    calls: int
    streams: int
    cost_nanos: int
    said_nanos: int | None


Three = tuple[Cost, Cost, Cost]
"""What a load cost nginx, Headgate and the peer in one round."""


class Readings:
    """What was read beside one peer so far."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        strain = beside.peer.strain
        self._plain, self._paced, self._first_byte = (
            strain.plain(),
            strain.paced(),
            strain.first_byte(),
        )
        self._costs: dict[Load, list[Three]] = {self._plain: [], self._paced: []}
        self._wrong: dict[Load, str] = {}
        self._begun: list[list[Sent]] = []

    def warm_up(self) -> None:
        """Send what does not count; an engine that compiles as it runs needs some of it."""
        for gateway in self._beside.three:
            rounds.send(gateway, self._plain, WARM_UP_S)

    def add_round(self, seconds: float) -> None:
        """Send each load to the three; the time to the first byte is also taken without any."""
        beside = self._beside
        for load, readings in self._costs.items():
            if load not in self._wrong:
                own = [
                    rounds.measure(each, load, seconds) for each in (beside.nginx, beside.headgate)
                ]
                with self._noting(load):
                    readings.append((own[0], own[1], rounds.measure(beside.running, load, seconds)))
        load = self._first_byte
        if load not in self._wrong:
            others = (beside.upstream, beside.nginx, beside.headgate)
            sent = [rounds.send(each, load, seconds) for each in others]
            with self._noting(load):
                self._begun.append([*sent, rounds.send(beside.running, load, seconds)])

    @contextmanager
    def _noting(self, load: Load) -> Iterator[None]:
        """Note what a peer does not get through; a process of it that has ended is an OSError."""
        try:
            yield
        except (BadAnswersError, subprocess.SubprocessError, OSError) as error:
            self._wrong[load] = str(error)

    def failures(self) -> list[str]:
        """Return what the peer did not get through, a sentence for each load."""
        name = self._beside.peer.name
        return [f"{name}, {load.name}: {why}" for load, why in self._wrong.items()]

    def compared(self) -> list[Compared]:
        """Return the figures of each load."""
        name = self._beside.peer.name
        return [
            compared(name, load, [] if load in self._wrong else readings)
            for load, readings in self._costs.items()
        ]

    def first_byte(self) -> list[FirstByte]:
        """Return how long streams take to begin; nothing where the peer has no good ones."""
        peer = self._beside.peer
        if self._first_byte in self._wrong or not self._begun:
            return []
        return [first_byte(peer.name, peer.strain.begun_per_s, self._begun)]


def compare(
    group: Sequence[Beside], *, number: int, seconds: float, say: Callable[[str], object]
) -> list[Readings]:
    """Send every load to all, round after round, after a warm-up that does not count."""
    found = [Readings(each) for each in group]
    for readings in found:
        readings.warm_up()
    for at in range(number):
        say(f"round {at + 1} of {number}")
        for readings in found:
            readings.add_round(seconds)
    return found


def compared(peer: str, load: Load, readings: Sequence[Three]) -> Compared:
    """Return the medians of a load's rounds; without any there are no figures."""
    if not readings:
        return Compared(peer, load)
    return Compared(
        peer,
        load,
        nginx_us=statistics.median(nginx.whole_us for nginx, _, _ in readings),
        headgate_us=statistics.median(headgate.whole_us for _, headgate, _ in readings),
        peer_us=statistics.median(running.whole_us for _, _, running in readings),
        headgate_ratio=statistics.median(
            headgate.whole_us / nginx.whole_us for nginx, headgate, _ in readings
        ),
        peer_ratio=statistics.median(
            running.whole_us / headgate.whole_us for _, headgate, running in readings
        ),
        peer_per_s=statistics.median(running.units_per_s for _, _, running in readings),
        good=True,
    )


def first_byte(peer: str, begun_per_s: int, sent: Sequence[Sequence[Sent]]) -> FirstByte:
    """Return the medians of the rounds: of the upstream, nginx, Headgate and the peer in each."""
    columns = [
        (
            statistics.median(each.ttft_us_p50 for each in column),
            statistics.median(each.ttft_us_p99 for each in column),
        )
        for column in zip(*sent, strict=True)
    ]
    return FirstByte(peer, begun_per_s, *columns)


def weigh(gateways: Sequence[tuple[Gateway, int]]) -> list[Weight]:
    """Return what gateways weigh, and what streams add that are opened at all of them at once."""
    for gateway, _ in gateways:
        for load in WARM_UPS:
            rounds.send(gateway, load, 1)
    idle = [processes.memory_bytes(gateway.pids) for gateway, _ in gateways]
    logs = [BUILD / f"open-{gateway.port}.log" for gateway, _ in gateways]
    opened = [
        rounds.open_streams(gateway, count, log)
        for (gateway, count), log in zip(gateways, logs, strict=True)
    ]
    time.sleep(STREAMS_SETTLE_S)
    full = [processes.memory_bytes(gateway.pids) for gateway, _ in gateways]
    for (gateway, _), process, log in zip(gateways, opened, logs, strict=True):
        process.wait(rounds.PATIENCE_S)
        gateway.streams += rounds.parse_sent(log.read_text()).calls
    return [
        Weight(gateway.name, before / 1e6, (after - before) / 1e3 / count, count)
        for (gateway, count), before, after in zip(gateways, idle, full, strict=True)
    ]


def settled(
    spent_nanos: Callable[[], int | None], *, quiet_s: float = QUIET_S, look_s: float = LOOK_S
) -> int | None:
    """Return what a gateway says was spent, when that has not changed for `quiet_s`."""
    said, since_s = spent_nanos(), time.monotonic()
    until_s = since_s + SETTLED_S
    while said is not None and time.monotonic() - since_s < quiet_s and time.monotonic() < until_s:
        time.sleep(look_s)
        now = spent_nanos()
        if now != said:
            said, since_s = now, time.monotonic()
    return said
