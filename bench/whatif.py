"""Times what-if over a million calls: reading them from a store of imported logs, and the replay.

    python -m bench.whatif --calls 1000000

Two of three models change, to one with another tokeniser and no price for cache writes, so that all
lines are computed. It prints wall and CPU seconds of each part.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from headgate.catalog.load import load_price_book
from headgate.economics.load import load_data, load_inputs
from headgate.economics.usage_logs.pricing import Priced
from headgate.economics.usage_logs.record import Findings, Found
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore
from headgate.economics.whatif.load_calls import imported
from headgate.economics.whatif.replay import replay
from headgate.economics.whatif.scenario import Scenario, read_models
from headgate.economics.whatif.tokenisers import families_of
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
        store.keep("claude-code", "local", Findings(usage=found), [price] * len(found))


def timed(name: str, run: Callable[[], Result]) -> Result:
    """Return what a run returns, and print its time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(f"{name}: {wall:.2f} s, {cpu:.2f} s of one core\n")
    return result


def main() -> None:
    """Make the store, read it, replay it, and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    options = parser.parse_args()
    book, inputs = load_price_book(), load_inputs("whatif")
    models = read_models([f"{old}=openai/gpt-5.5" for old in MODELS[:2]], book)
    asked = Scenario(book, book, models=models, cache_loss=inputs["cache_loss"])
    families = families_of(load_data("whatif"))
    with tempfile.TemporaryDirectory() as folder:
        store = UsageStore(Path(folder) / STORE_NAME)
        fill(store, options.calls)
        calls = timed("reading", lambda: imported(store, book, "side", 0, 2**62))
        store.close()
    would = timed("replay", lambda: replay(calls, asked, inputs, families))
    sys.stdout.write(f"{sum(would.calls)} calls, {len(would.moves)} moves\n")


if __name__ == "__main__":
    main()
