"""The paired measurement: both gateways are up, and each load goes to one, then to the other.

The speed of a virtual machine drifts by the minute. What is compared is therefore CPU time per
unit of work, within a round, and what is quoted is the median of the rounds' ratios.
"""

import json
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench import processes
from bench.configuration import KEY
from bench.gateways import Gateway
from bench.tools import BUILD

PATIENCE_S = 60


class BadAnswersError(Exception):
    """A gateway answered wrongly under load, so its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent.

    Attributes:
        rate_per_s: Calls a second on a timetable; 0: each connection sends again at once.
        streamed: Whether the answers are streamed; a unit of work is then an event of a stream.
        text_bytes: How long the message is that is sent.
    """

    name: str
    connections: int
    model: str = "m"
    rate_per_s: int = 0
    streamed: bool = False
    text_bytes: int = 600


GATED = (
    Load("plain", connections=64),
    Load("paced", connections=600, model="m-c25-d20", streamed=True),
)
TRANSLATED = (
    Load("translated", connections=64, model="t"),
    Load("translated, paced", connections=600, model="t-c25-d20", streamed=True),
)
"""To nginx the same calls go as they are: a proxy translates nothing."""

FIRST_BYTE = Load(
    "streams begun, 40/s", connections=200, model="m-c50-d20", rate_per_s=40, streamed=True
)


SMALL_STREAMS = Load(
    "translated streams begun, 40/s",
    connections=200,
    model="t-c50-d20",
    rate_per_s=40,
    streamed=True,
)


class Sent(NamedTuple):
    """What the load generator reports; times are microseconds.

    Attributes:
        bad: Calls without a good answer, those among them that were turned away with 503.
    """

    calls: int
    events: int
    bad: int
    turned_away: int
    seconds: float
    latency_us_p50: int
    latency_us_p99: int
    ttft_us_p50: int
    ttft_us_p99: int


class Cost(NamedTuple):
    """What a load cost a gateway, in CPU microseconds per unit of work.

    Attributes:
        worker_us: The worker alone; None where the gateway is one process.
        units_per_s: How much was carried.
    """

    whole_us: float
    worker_us: float | None
    units_per_s: float


class Compared(NamedTuple):
    """A load's figures over all rounds: medians, and medians of the rounds' ratios.

    Attributes:
        ratio: Whole node to base; this is what a bar applies to.
        worker_ratio: Worker alone to base.
    """

    load: str
    base_us: float
    whole_us: float
    worker_us: float
    ratio: float
    worker_ratio: float
    rounds: int


def load_command(gateway: Gateway, load: Load, seconds: float) -> list[str]:
    """Return the command line of the load generator."""
    kind = "stream" if load.streamed else "plain"
    numbers = [str(gateway.port), str(load.connections), str(seconds), str(load.rate_per_s)]
    asked = gateway.asked
    command = [
        str(BUILD / "load"),
        *numbers,
        asked.before_model + load.model,
        KEY,
        kind,
        asked.path,
    ]
    return [*command, asked.headers, str(load.text_bytes)]


def parse_sent(text: str) -> Sent:
    """Read the load generator's report."""
    return Sent(**json.loads(text))


def send(gateway: Gateway, load: Load, seconds: float, *, turned_away_max: int = 0) -> Sent:
    """Send a load from the load's core, and return when every call of it is answered.

    Args:
        gateway: To whom.
        load: What.
        seconds: For how long.
        turned_away_max: So many calls may be refused because there is too much to do.

    Raises:
        BadAnswersError: An answer was wrong.
    """
    core = ["taskset", "--cpu-list", str(processes.LOAD_CORE)]
    command = [*core, *load_command(gateway, load, seconds)]
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, timeout=seconds + PATIENCE_S
    )
    sent = parse_sent(done.stdout)
    count(gateway, load, sent)
    wrong = sent.bad - (sent.turned_away if sent.turned_away <= turned_away_max else 0)
    if wrong or not sent.calls:
        raise BadAnswersError(f"{gateway.name}: {sent.bad} bad answers of {sent.calls} ({load})")
    return sent


def count(gateway: Gateway, load: Load, sent: Sent) -> None:
    """Add what was answered well to what a gateway has answered so far."""
    if load.streamed:
        gateway.streams += sent.calls - sent.bad
    else:
        gateway.calls += sent.calls - sent.bad


def measure(gateway: Gateway, load: Load, seconds: float) -> Cost:
    """Send a load and read what it cost the gateway."""
    worker = () if gateway.worker is None else (gateway.worker,)
    whole_before, worker_before = processes.cpu_s(gateway.pids), processes.cpu_s(worker)
    sent = send(gateway, load, seconds)
    whole_s = processes.cpu_s(gateway.pids) - whole_before
    worker_s = processes.cpu_s(worker) - worker_before
    units = sent.events if load.streamed else sent.calls
    worker_us = worker_s * 1e6 / units if worker else None
    return Cost(whole_s * 1e6 / units, worker_us, units / sent.seconds)


def compare(
    base: Gateway,
    node: Gateway,
    loads: Sequence[Load],
    *,
    rounds: int,
    seconds: float,
    say: Callable[[str], object],
) -> list[Compared]:
    """Load both in turn, round after round, after a warm-up that does not count."""
    pairs: dict[str, list[tuple[Cost, Cost]]] = {load.name: [] for load in loads}
    for gateway in (base, node):
        measure(gateway, loads[0], 1)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for load in loads:
            pair = measure(base, load, seconds), measure(node, load, seconds)
            pairs[load.name].append(pair)
    return [compared(name, found) for name, found in pairs.items()]


def compared(load: str, pairs: Sequence[tuple[Cost, Cost]]) -> Compared:
    """Return the medians of a load's rounds, each a base's cost and a node's."""
    return Compared(
        load=load,
        base_us=statistics.median(base.whole_us for base, _ in pairs),
        whole_us=statistics.median(node.whole_us for _, node in pairs),
        worker_us=statistics.median(node.worker_us or 0 for _, node in pairs),
        ratio=statistics.median(node.whole_us / base.whole_us for base, node in pairs),
        worker_ratio=statistics.median(
            (node.worker_us or 0) / base.whole_us for base, node in pairs
        ),
        rounds=len(pairs),
    )


def open_streams(gateway: Gateway, count: int, log: Path) -> "subprocess.Popen[bytes]":
    """Open slow streams and keep them open; the caller ends the process."""
    slow = Load("open", connections=count, model="m-c10-d1000", streamed=True)
    return processes.start(load_command(gateway, slow, 1), processes.LOAD_CORE, log)
