"""Times the two ways of rating: one record at a time, and a batch at once.

    python -m bench.rating --records 300000

Both rate the same records, spread over models, tiers, hours and lengths of prompts, on one core,
the first with its cards at hand; the sums are compared. It prints records per second, the best of
the rounds.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from headgate.catalog.load import load_price_book
from headgate.catalog.rates import RateCard
from headgate.economics.prices.bulk import Way, batch_of, rate_batch
from headgate.records.demand import Terms
from headgate.units.instants import NANOS_PER_SECOND, from_datetime
from headgate.units.usage import Usage

SEED = 20261126
MODELS = (
    ("anthropic", "claude-opus-4-8"),
    ("anthropic", "claude-sonnet-5"),
    ("openai", "gpt-5.5"),
    ("openai", "gpt-5.4-mini"),
    ("google", "gemini-2.5-pro"),
)
START_NS = from_datetime(datetime(2026, 10, 1, tzinfo=UTC))
MONTH_S = 30 * 24 * 3_600

Record = tuple[Way, int, Usage]


def make(count: int) -> list[Record]:
    """Return records that depend on their number alone."""
    chance = random.Random(SEED)
    ways = [(*model, Terms(tier)) for model in MODELS for tier in ("standard", "batch")]
    return [
        (
            chance.choice(ways),
            START_NS + chance.randrange(MONTH_S) * NANOS_PER_SECOND,
            Usage(
                input_uncached=chance.randrange(20_000),
                cache_read=chance.randrange(400_000),
                output_text=chance.randrange(4_000),
                output_reasoning=chance.randrange(2_000),
            ),
        )
        for _ in range(count)
    ]


def best(run: Callable[[], int], rounds: int) -> tuple[int, float]:
    """Return what a run returns, and its shortest time in seconds."""
    times: list[float] = []
    result = 0
    for _ in range(rounds):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return result, min(times)


def main() -> None:
    """Make the records, rate them both ways, and print how fast each was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    book, records = load_price_book(), make(options.records)
    batch = batch_of(records)
    cards: dict[Way, RateCard | None] = {way: book.rate_card(*way, START_NS) for way in batch.ways}
    warm = [(cards[way], usage) for way, _at_ns, usage in records]

    def scalar() -> int:
        return sum(card.rate(usage).amount_nanos for card, usage in warm if card is not None)

    def vectorised() -> int:
        return int(rate_batch(book, batch).amounts_nanos.sum())

    one_sum, one_s = best(scalar, options.rounds)
    all_sum, all_s = best(vectorised, options.rounds)
    if one_sum != all_sum:
        sys.exit(f"the sums differ: {one_sum} and {all_sum}")
    for name, seconds in (("scalar, with its lines", one_s), ("vectorised", all_s)):
        sys.stdout.write(f"{name}: {len(records) / seconds:,.0f} records/s\n")


if __name__ == "__main__":
    main()
