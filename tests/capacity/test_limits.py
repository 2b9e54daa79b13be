"""Rate limits as headers tell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.limits import USED_UP, not_before_ns

SECOND = 10**9
NOW = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z"""


def lines(**headers: str) -> bytes:
    """Return headers as a reply has them, `_` for `-`."""
    told = (f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return "".join(told).encode()


@pytest.mark.parametrize(
    ("headers", "ahead_ns"),
    [
        ({"retry_after": "3"}, 3 * SECOND),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "3", "retry_after_ms": "250"}, SECOND // 4),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:09 GMT"}, 9 * SECOND),
        ({"retry_after": "soon"}, SECOND),
        ({}, SECOND),
    ],
)
def test_a_throttled_reply_says_when_to_come_back(headers: dict[str, str], ahead_ns: int) -> None:
    """Seconds, a date, finer than seconds; without a word it is a second."""
    assert not_before_ns(lines(**headers), NOW, throttled=True) == NOW + ahead_ns
    assert not_before_ns(lines(**headers), NOW, throttled=False) == 0


@pytest.mark.parametrize(
    ("headers", "ahead_ns"),
    [
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "1s"}, SECOND),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "6m0s"}, 360 * SECOND),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "20ms"}, SECOND // 50),
        (
            {"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "1h2m3.25s"},
            3_723 * SECOND + SECOND // 4,
        ),
        (
            {
                "anthropic_ratelimit_tokens_remaining": "0",
                "anthropic_ratelimit_tokens_reset": "2026-01-01T00:00:30Z",
            },
            30 * SECOND,
        ),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1767225605"}, 5 * SECOND),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1767225605500"}, 55 * SECOND // 10),
        ({"x_ratelimitbysize_remaining": "0", "x_ratelimitbysize_reset": "41"}, 41 * SECOND),
    ],
)
def test_a_limit_that_is_used_up_says_when_it_is_renewed(
    headers: dict[str, str], ahead_ns: int
) -> None:
    """Spans, seconds, Unix times and dates, as the providers write them."""
    text = lines(**headers)

    assert USED_UP in text
    assert not_before_ns(text, NOW, throttled=False) == NOW + ahead_ns


def test_the_latest_of_several_counts() -> None:
    """Both limits must be renewed before a call can pass."""
    text = lines(
        x_ratelimit_remaining_requests="0",
        x_ratelimit_reset_requests="2s",
        x_ratelimit_remaining_tokens="0",
        x_ratelimit_reset_tokens="5s",
        retry_after="1",
    )

    assert not_before_ns(text, NOW, throttled=True) == NOW + 5 * SECOND


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining_requests": "5", "x_ratelimit_reset_requests": "1s"},
        {"x_ratelimit_remaining_requests": "0"},
        {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "later"},
        {
            "anthropic_ratelimit_tokens_remaining": "0",
            "anthropic_ratelimit_tokens_reset": "2025-12-31T23:59:59Z",
        },
        {"x_other_remaining": "0", "x_other_reset": "9s"},
    ],
)
def test_what_says_nothing_of_the_future_is_no_limit(headers: dict[str, str]) -> None:
    """A limit with room, without a time, or renewed already keeps nobody away."""
    assert not_before_ns(lines(**headers), NOW, throttled=False) == 0


@given(
    st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "x-ratelimit-remaining", "x-ratelimit-reset"]
        ),
        st.text(st.characters(codec="latin-1"), max_size=30) | st.just("0"),
    )
)
def test_no_header_does_harm(headers: dict[str, str]) -> None:
    """Whatever a provider writes is a time or is passed over."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")

    assert not_before_ns(text, NOW, throttled=True) >= 0
