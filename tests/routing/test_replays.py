"""Replaying a session: caches that forget, and a rejected task that another model takes over."""

import pytest

from headgate.catalog.load import load_price_book
from headgate.catalog.rates import RateCard
from headgate.records.demand import STANDARD
from headgate.routing.evaluation.replayed import BySession, Fixed, Known, Task, replay
from headgate.routing.evaluation.till import Shape, Till
from headgate.routing.sessions.odds import milli_of
from headgate.routing.sessions.switching import Setting
from headgate.units.money import NANOS_PER_USD

AT_NS = 1_764_547_200_000_000_000
"""2025-12-01."""
SHAPE = Shape()


@pytest.fixture(scope="module")
def cards() -> dict[str, RateCard]:
    """The list prices of a cheap and a dear model."""
    book = load_price_book()
    sold = {"cheap": ("openai", "gpt-5-mini"), "dear": ("anthropic", "claude-opus-4-5")}
    found = {name: book.rate_card(*whose, STANDARD, AT_NS) for name, whose in sold.items()}
    return {name: card for name, card in found.items() if card is not None}


def task(*, accepted: bool, pause_s: int = 0) -> Task:
    """Return a task of ten calls that only the dear model solves."""
    looks = {"cheap": accepted, "dear": True}
    return Task(pause_s, {"cheap": 10, "dear": 10}, {"cheap": 0.0, "dear": 1.0}, looks)


def test_a_rejected_task_is_done_anew_by_the_better_model(cards: dict[str, RateCard]) -> None:
    """Both runs are paid, the second with its way in; the switch was worth it beforehand."""
    known = {
        "cheap": Known(milli_of(870_000), 10, 20, 0),
        "dear": Known(milli_of(950_000), 10, 20, 0),
    }
    policy = BySession(known, Setting(3 * NANOS_PER_USD))

    moved = replay([task(accepted=False)], policy, cards, SHAPE)
    kept = replay([task(accepted=True)], policy, cards, SHAPE)
    alone = {name: replay([task(accepted=True)], Fixed(name), cards, SHAPE) for name in cards}

    assert (kept.nanos, kept.switches) == (alone["cheap"].nanos, 0)
    assert (moved.solved, moved.switches) == (1.0, 1)
    (gain,) = moved.gains_nanos
    assert gain is not None
    assert gain > 0
    assert moved.nanos > alone["cheap"].nanos + alone["dear"].nanos


def test_a_pause_beyond_the_lifetime_costs_the_whole_prefix(cards: dict[str, RateCard]) -> None:
    """What is warm is read at a fraction; a second too late it is written anew."""
    till = Till(cards, SHAPE)
    till.charge("dear", SHAPE.first_tokens, 0)

    warm = till.now_nanos("dear", SHAPE.first_tokens, SHAPE.lifetime_s - 1)
    cold = till.now_nanos("dear", SHAPE.first_tokens, SHAPE.lifetime_s)

    # Reading costs $0.50 a million tokens, writing $6.25; the answer's 150 tokens $25.
    assert (warm, cold) == (10_000_000 + 3_750_000, 125_000_000 + 3_750_000)
