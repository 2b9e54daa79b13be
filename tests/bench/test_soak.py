"""The slope of memory over a soak."""

import pytest

from bench.soak import Reading, slope_mb_per_hour


def test_the_slope_leaves_the_warm_up_out() -> None:
    """What grows in the first fifth alone is no slope; what grows steadily is one."""
    flat = [Reading(at * 10, 100 if at >= 20 else 50 + at) for at in range(100)]
    grown = [Reading(at * 10, 100 + at * 10 / 3_600) for at in range(100)]

    assert slope_mb_per_hour(flat) == pytest.approx(0)
    assert slope_mb_per_hour(grown) == pytest.approx(1)
