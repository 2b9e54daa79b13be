"""Times what-if over a million calls: reading them from a store of imported logs, and replays.

    python -m bench.whatif --calls 1000000 --rounds 5

Two of three models change, to one with another tokeniser and no price for cache writes, so that all
lines are computed; once more with a seat for everybody; and a policy chooses among two models. It
prints the medians of wall and CPU seconds of each part.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from headgate.catalog.load import load_price_book
from headgate.catalog.load_plans import load_plans
from headgate.economics.load import load_data, load_inputs
from headgate.economics.usage_logs.pricing import Priced
from headgate.economics.usage_logs.record import Findings, Found
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore
from headgate.economics.whatif.load_calls import imported
from headgate.economics.whatif.replay import replay
from headgate.economics.whatif.routing import Ground, routed
from headgate.economics.whatif.scenario import Scenario, read_among, read_models
from headgate.economics.whatif.seats import Seats
from headgate.economics.whatif.tokenisers import factor, families_of
from headgate.routing.policies.registry import Chosen, Settings, policies
from headgate.units.instants import NANOS_PER_SECOND, from_datetime
from headgate.units.usage import Usage

SEED = 20261126
PIECE = 20_000
MODELS = ("claude-opus-4-8", "claude-sonnet-5", "claude-opus-5")
START_NS = from_datetime(datetime(2026, 10, 1, tzinfo=UTC))
MONTH_S = 30 * 24 * 3_600
Result = TypeVar("Result")


def make(calls: int) -> Iterator[Found]:
    """Yield records that depend on their number alone."""
    chance = random.Random(SEED)
    for number in range(calls):
        at_ns = START_NS + chance.randrange(MONTH_S) * NANOS_PER_SECOND
        usage = Usage(
            input_uncached=chance.randrange(20_000),
            cache_read=chance.randrange(200_000),
            cache_write_5m=chance.randrange(9_000),
            output_text=chance.randrange(4_000),
        )
        model = chance.choice(MODELS)
        yield Found(str(number), "", 0, at_ns, at_ns, model, usage, side=number % 5 == 0)


def fill(store: UsageStore, calls: int) -> None:
    """Keep the records; what they were posted at does not matter here."""
    records = make(calls)
    price = Priced("anthropic", 1, 1, "", "B")
    for _ in range(-(-calls // PIECE)):
        found = [each for _, each in zip(range(PIECE), records, strict=False)]
        store.keep("claude_code", "local", Findings(usage=found), [price] * len(found))


def timed(name: str, rounds: int, run: Callable[[], Result]) -> Result:
    """Return what a run returns, and print the medians of its times."""
    walls, cpus = [], []
    kept: list[Result] = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        kept[:] = [run()]
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    cpu, wall = median(cpus), median(walls)
    sys.stdout.write(f"{name}: {wall:.2f} s, {cpu:.2f} s of one core ({min(cpus):.2f} at best)\n")
    return kept[0]


def main() -> None:
    """Make the store, read it, replay it, and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    book, inputs = load_price_book(), load_inputs("whatif")
    families = families_of(load_data("whatif"))
    with tempfile.TemporaryDirectory() as folder:
        store = UsageStore(Path(folder) / STORE_NAME)
        fill(store, options.calls)
        calls = timed("reading", options.rounds, lambda: imported(store, book, "side", 0, 2**62))
        store.close()
    models = read_models([f"{old}=openai/gpt-5.5" for old in MODELS[:2]], book)
    asked = Scenario(book, book, models=models, cache_loss=inputs["cache_loss"])
    plan = load_plans().find("claude-max-20x")
    assert plan is not None
    seats = Seats((("*", plan),), START_NS, START_NS + MONTH_S * NANOS_PER_SECOND, UTC)
    seated = replace(asked, seats=seats)
    among = read_among(["claude-opus-5", "openai/gpt-5.5"], book)
    cheapest = Chosen(policies()["cheapest"], Settings("cheapest"))
    ground = Ground(among, book, None, partial(factor, inputs, families))
    would = timed("replay", options.rounds, lambda: replay(calls, asked, inputs, families))
    timed("with seats", options.rounds, lambda: replay(calls, seated, inputs, families))
    moves = timed("policy", 1, lambda: routed(calls, cheapest, ground))
    sys.stdout.write(f"{sum(would.calls)} calls, {len(would.moves)} moves, ")
    sys.stdout.write(f"{int((moves.target >= 0).sum())} by the policy\n")


if __name__ == "__main__":
    main()
