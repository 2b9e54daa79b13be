"""Fields of logs: times are read quickly, and as they are written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.usage_logs.fields import FieldError, instant_of

START = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - of UTC below


@given(MOMENTS)
def test_a_usual_time_is_read_as_any_other(moment: datetime) -> None:
    """What is remembered of minutes and hours changes no instant."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    usual = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    assert instant_of(usual) == (moment - START) // timedelta(microseconds=1) * 1000
    assert instant_of(usual) == instant_of(moment)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:60:00.123Z",
        "2026-11-21T10:00:60.123Z",
        "2026-11-21T24:00:00.123Z",
        "2026-11-21T10:0a:00.123Z",
        "2026-11-21T10:00:00.1a3Z",
        "2100-01-01T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
    ],
)
def test_what_only_looks_like_a_usual_time_is_refused(text: str) -> None:
    """No hour has a minute 60, and no log a line of another century."""
    with pytest.raises(FieldError):
        instant_of(text)
