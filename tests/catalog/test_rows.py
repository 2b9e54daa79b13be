"""Reading price rows: the whole format, and a clear no to everything else."""

from datetime import UTC, date, datetime

import pytest

from headgate.catalog.bands import Band
from headgate.catalog.fields import PriceRowError
from headgate.catalog.rows import UNKNOWN_START_NS, PriceRow, parse_prices, parse_row
from headgate.units.instants import from_datetime
from headgate.units.usage import METERS

PEAK = Band("acme", "peak", "UTC", ((60, 240),))
FULL: dict[str, object] = {
    "model": "m-1",
    "tier": "batch",
    "min_prompt_tokens_exclusive": 1000,
    "band": "peak",
    "valid_from": datetime(2026, 8, 16, 16, tzinfo=UTC),
    "valid_to": date(2026, 12, 1),
    "recorded_at": date(2026, 8, 1),
    "superseded_at": date(2026, 9, 1),
    "promo": True,
    "usd_per_million": {"input": "1.25", "output": "10", "cache_read": "0.125"},
    "sources": ["https://example.com/prices"],
    "note": "by hand",
}


def read(table: dict[str, object]) -> PriceRow:
    return parse_row(table, seller="acme", bands={"peak": PEAK})


def ns(year: int, month: int, day: int, hour: int = 0) -> int:
    return from_datetime(datetime(year, month, day, hour, tzinfo=UTC))


def test_every_key_is_read() -> None:
    """A full row carries all it says; dates are 00:00 UTC; the id says what selects it."""
    row = read(FULL)

    assert row.id == "acme/m-1/batch/2026-08-16T16:00Z/above-1000/peak"
    assert (row.valid_from_ns, row.valid_to_ns) == (ns(2026, 8, 16, 16), ns(2026, 12, 1))
    assert (row.recorded_at_ns, row.superseded_at_ns) == (ns(2026, 8, 1), ns(2026, 9, 1))
    assert (row.band, row.min_prompt_tokens_exclusive, row.promo) == (PEAK, 1000, True)
    assert (row.sources, row.note) == (("https://example.com/prices",), "by hand")


def test_prices_are_femto_dollars_by_meter() -> None:
    """Reasoning costs what output does unless it has a price; what is absent stays None."""
    prices = dict(zip(METERS, read(FULL).prices_femto, strict=True))

    assert prices["input_uncached"] == 1_250_000_000
    assert prices["output_text"] == prices["output_reasoning"] == 10_000_000_000
    assert prices["cache_write_5m"] is None
    own = parse_prices({"input": "1", "output": "2", "output_reasoning": "3"})
    assert own[METERS.index("output_reasoning")] == 3_000_000_000


def test_a_row_that_was_only_seen_says_so() -> None:
    """An unknown start is taken as 2020 and never passes for a known one."""
    table = {key: value for key, value in FULL.items() if key != "valid_from"}
    row = read(table | {"observed_at": date(2026, 11, 12)})

    assert (row.valid_from_ns, row.start_is_known) == (UNKNOWN_START_NS, False)
    assert row.id == "acme/m-1/batch/seen-2026-11-12/above-1000/peak"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"model": 5}, "model"),
        ({"valid_from": None}, "valid_from"),
        ({"valid_from": "2026-01-01"}, "valid_from"),
        ({"valid_from": datetime(2026, 1, 1)}, "offset"),  # noqa: DTZ001
        ({"valid_to": date(2026, 1, 1)}, "valid_to"),
        ({"recorded_at": None}, "recorded_at"),
        ({"band": "night"}, "band"),
        ({"min_prompt_tokens_exclusive": 0}, "min_prompt_tokens_exclusive"),
        ({"min_prompt_tokens_exclusive": True}, "min_prompt_tokens_exclusive"),
        ({"promo": "yes"}, "promo"),
        ({"sources": "https://example.com"}, "sources"),
        ({"usd_per_million": "1"}, "usd_per_million"),
        ({"usd_per_million": {"input": "1"}}, "output"),
        ({"usd_per_million": {"input": 1, "output": "1"}}, "as text"),
        ({"usd_per_million": {"input": "x", "output": "1"}}, "usable"),
        ({"usd_per_million": {"input": "-1", "output": "1"}}, "usable"),
        ({"usd_per_million": {"input": "NaN", "output": "1"}}, "usable"),
        ({"usd_per_million": {"input": "Infinity", "output": "1"}}, "usable"),
        ({"usd_per_million": {"input": "1e-10", "output": "1"}}, "usable"),
        ({"usd_per_million": {"input": "1", "input_uncached": "1", "output": "1"}}, "twice"),
        ({"usd_per_million": {"input": "1", "output": "1", "web_search": "1"}}, "meter"),
        ({"price": 3}, "price"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], key: str) -> None:
    """Each slip is refused with the key in the message."""
    table = {key: value for key, value in (FULL | change).items() if value is not None}
    with pytest.raises(PriceRowError, match=key):
        read(table)
