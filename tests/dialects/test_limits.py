"""How limits of a minute are told in the words of each dialect's clients."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.limits import not_before_ns
from headgate.dialects import anthropic_limits, openai_limits
from headgate.dialects.registry import dialects
from headgate.records.minutes import LimitStanding
from headgate.units.instants import NANOS_PER_SECOND

AT_NS = 1_795_000_000 * NANOS_PER_SECOND
MS = 1_000_000

Render = Callable[[Iterable[LimitStanding]], bytes]


@pytest.mark.parametrize(
    ("nanos", "span"),
    [
        (0, "0s"),
        (1, "1ms"),
        (120 * MS, "120ms"),
        (1_000 * MS, "1s"),
        (8_640 * MS, "8.64s"),
        (59_999 * MS + 1, "1m0s"),
        (360_000 * MS, "6m0s"),
        (61_020 * MS, "1m1.02s"),
    ],
)
def test_openai_s_times_are_as_openai_writes_them(nanos: int, span: str) -> None:
    """Rounded up, so that nobody comes too early."""
    standing = LimitStanding("requests", 60, 59, AT_NS, nanos)

    assert openai_limits.render_limits([standing]).decode() == (
        "x-ratelimit-limit-requests: 60\r\n"
        "x-ratelimit-remaining-requests: 59\r\n"
        f"x-ratelimit-reset-requests: {span}\r\n"
    )


def test_anthropic_s_times_are_instants() -> None:
    """Rounded up to a second."""
    standing = LimitStanding("tokens", 1000, 0, AT_NS, 1)

    assert anthropic_limits.render_limits([standing]).decode() == (
        "anthropic-ratelimit-tokens-limit: 1000\r\n"
        "anthropic-ratelimit-tokens-remaining: 0\r\n"
        "anthropic-ratelimit-tokens-reset: 2026-11-18T11:06:41Z\r\n"
    )


@pytest.mark.parametrize(
    "render",
    [openai_limits.render_limits, anthropic_limits.render_limits],
    ids=["openai", "anthropic"],
)
@given(full_ns=st.integers(1, 3_600 * NANOS_PER_SECOND))
def test_what_is_told_is_read_as_we_read_providers(render: Render, full_ns: int) -> None:
    """A gateway behind this one waits as long as it is told, and at most a second longer."""
    standing = LimitStanding("requests", 60, 0, AT_NS, full_ns)

    lines = render([standing])
    waits_ns = not_before_ns(lines, AT_NS, throttled=False) - AT_NS

    assert full_ns <= waits_ns < full_ns + NANOS_PER_SECOND


def test_all_dialects_but_one_family_have_such_headers() -> None:
    """Whoever adds a dialect says whether its clients know any."""
    without = {kind for kind, each in dialects().items() if not hasattr(each, "render_limits")}

    assert without == {"gemini", "gemini_count_tokens"}
