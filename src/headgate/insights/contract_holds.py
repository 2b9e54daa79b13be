"""What `--json` prints of holds."""

from headgate.insights.printed import Instant, Printed


class SizingView(Printed, frozen=True, kw_only=True):
    """How an expected hold was sized: `output_tokens` at first, by a quantile of `calls` before.

    It was extended `extensions` times; `hold` of the attempt is what it held in the end.
    """

    output_tokens: int
    percent: int
    calls: int
    extensions: int


class HoldView(Printed, frozen=True, kw_only=True):
    """What an attempt's hold covered, and the windows it was set aside on.

    `sizing` is null where it covered the worst case. `beside` is the attempt that still ran when
    this one was begun, null when none did: a hedge.
    """

    attempt: str
    decision: int
    windows: list[str]
    input_tokens_max: int
    output_tokens_max: int
    sizing: SizingView | None
    beside: str | None
    ended_at: Instant | None
    closed_by: str
