"""`make soak`: a steady load for a long time, and whether memory grows under it.

    make soak ARGS="--minutes 30"

The rate is a part of what the node carries at most, measured first. Memory is read after each piece
of the load: that of all processes, without pages of files, for a journal's segment is mapped as it
fills and let go when it is full, which is a saw's tooth of 16 MB. The slope is that of a straight
line through the readings after the warm-up, by least squares. At the end the books are checked
beside the running node. When the machine has something else to do for a moment, the node turns
calls away (`overloaded`); those are counted, and more than a few end the run.
"""

import argparse
import statistics
import sys
import time
from typing import NamedTuple

from bench import asking, machine, package, processes, report, rounds, tools
from bench.gateways import Gateway, NotReadyError, start_headgate
from bench.run import HEADGATE_PORT, NOT_MEASURED, prepare, say, upstream
from bench.tools import BUILD

PIECE_S = 10
LOAD_OF_MOST = 0.7
TURNED_AWAY_MAX = 0.01
"""The part of a piece's calls that may be turned away."""
WARM_UP = 0.2
"""The part of the readings that the slope leaves out."""
SLOPE_MAX = 1.0
"""Megabytes an hour; above it the exit status is 1."""
SLOPE_MINUTES = 30
"""In a shorter run the slope is printed and not judged: pages come and go by more than that."""
BOOKS_DIFFER = 3


class Reading(NamedTuple):
    """Memory at an instant after the start."""

    at_s: float
    memory_mb: float


def slope_mb_per_hour(readings: list[Reading]) -> float:
    """Return how fast memory grows after the warm-up.

    Raises:
        statistics.StatisticsError: There are fewer than two readings after it.
    """
    counted = readings[int(len(readings) * WARM_UP) :]
    line = statistics.linear_regression([at for at, _ in counted], [mb for _, mb in counted])
    return line.slope * 3_600


class Soaked(NamedTuple):
    """What a steady load came to: calls, those of them that were turned away, and memory."""

    calls: int
    turned_away: int
    readings: list[Reading]


def soak(node: Gateway, rate_per_s: int, minutes: float) -> Soaked:
    """Send a steady load.

    Raises:
        rounds.BadAnswersError: An answer was wrong.
    """
    load = rounds.Load("soak", connections=64, rate_per_s=rate_per_s)
    away_max = int(rate_per_s * PIECE_S * TURNED_AWAY_MAX)
    calls, away, readings, began_s = 0, 0, list[Reading](), time.monotonic()
    at_s = 0.0
    while at_s < minutes * 60:
        sent = rounds.send(node, load, PIECE_S, turned_away_max=away_max)
        calls, away = calls + sent.calls, away + sent.turned_away
        at_s = time.monotonic() - began_s
        readings.append(Reading(at_s, processes.own_memory_bytes(node.pids) / 1e6))
        say(f"{at_s / 60:.1f} of {minutes:g} minutes: {readings[-1].memory_mb:.2f} MB")
    return Soaked(calls, away, readings)


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long (default 30)")
    parser.add_argument("--interpreted", action="store_true", help="do not compile the data plane")
    arguments = parser.parse_args()
    try:
        prepare(interpreted=arguments.interpreted)
        with upstream():
            node = start_headgate(HEADGATE_PORT)
            try:
                return measure(node, arguments.minutes)
            finally:
                node.stop()
    except (tools.MissingToolError, NotReadyError, rounds.BadAnswersError) as error:
        say(str(error))
        return NOT_MEASURED


def measure(node: Gateway, minutes: float) -> int:
    """Find the rate, keep it up, and print what came of it; returns the exit status."""
    most = rounds.measure(node, rounds.GATED[0], 3).units_per_s
    rate = int(most * LOAD_OF_MOST)
    calls, away, readings = soak(node, rate, minutes)
    slope = slope_mb_per_hour(readings)
    equal, sentence = asking.books(HEADGATE_PORT)
    first, last = readings[0].memory_mb, readings[-1].memory_mb
    sys.stdout.write(f"{report.listing(machine.facts(BUILD))}\n\n")
    sys.stdout.write(
        f"{calls} calls at {rate}/s ({most:.0f}/s at most), {away} turned away, {package.kind()}\n"
    )
    sys.stdout.write(f"memory {first:.2f} -> {last:.2f} MB; books: {sentence}\n")
    sys.stdout.write(f"slope={slope:.2f} MB/h over {minutes:g} minutes\n")
    if not equal:
        return BOOKS_DIFFER
    return int(minutes >= SLOPE_MINUTES and slope > SLOPE_MAX)


if __name__ == "__main__":
    raise SystemExit(main())
