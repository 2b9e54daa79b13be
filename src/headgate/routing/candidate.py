"""A deployment as routing sees it, and how an attempt at it ended."""

from collections.abc import Generator
from enum import Enum
from typing import Final, NamedTuple

from headgate.catalog.settings import Deployment

OUTPUT_TOKENS_EXPECTED: Final = 512
"""What an answer is expected to take where nothing was learned of it."""

FAILED_PPM_MAX: Final = 900_000
"""A deployment that fails more often is priced as if it failed so often."""


class Outcome(Enum):
    """How an attempt ended, as far as the plan must know."""

    SERVED = "served"
    RETRYABLE = "retryable"
    FATAL = "fatal"


class Estimated(NamedTuple):
    """What is expected of a deployment beside its price; whole numbers, so decisions repeat.

    Attributes:
        quality_ppm: The chance of a good answer, in millionths.
        low_ppm: The lower end of an approximate 95 % interval of it.
        high_ppm: The upper end.
        n_milli: How many outcomes it rests on, in thousandths; 0 when it rests on none, and then
            the interval is nearly everything.
        terms: What it is the sum of, in thousandths of log-odds, by name.
        output_tokens: The median of its answers.
        output_tokens_high: Nineteen answers in twenty are no longer.
        failed_ppm: The share of attempts that fail, in millionths.
        ttft_ms: Time to the first byte of a reply; None when nothing was measured lately.
        tokens_per_s_milli: Thousandths of output tokens a second from then on; None likewise.
    """

    quality_ppm: int = 500_000
    low_ppm: int = 0
    high_ppm: int = 1_000_000
    n_milli: int = 0
    terms: tuple[tuple[str, int], ...] = ()
    output_tokens: int = 0
    output_tokens_high: int = 0
    failed_ppm: int = 0
    ttft_ms: int | None = None
    tokens_per_s_milli: int | None = None

    @property
    def latency_ms(self) -> int | None:
        """How long the median answer takes; None when nothing was measured.

        Of answers that were not streamed only the rate is known, the first byte included.
        """
        if not self.tokens_per_s_milli:
            return self.ttft_ms
        tokens = self.output_tokens or OUTPUT_TOKENS_EXPECTED
        return (self.ttft_ms or 0) + tokens * 1_000_000 // self.tokens_per_s_milli


NOTHING_KNOWN: Final = Estimated()


class Quoted(NamedTuple):
    """An eligible deployment and what the call is expected to cost there.

    Attributes:
        expected_nanos: None when its price is unknown; such a one is tried last.
        position: Its place in the route's list, from 0.
        weight: Its share of the calls, where the policy knows shares.
        via: The dialect the call is translated to, None when the deployment speaks its own.
        warm_nanos: What it saves there that a part of the prompt is in the provider's cache.
        estimate: What else is expected of it; None where the route's policy does not ask.
    """

    deployment: Deployment
    expected_nanos: int | None
    position: int = 0
    weight: int = 1
    via: str | None = None
    warm_nanos: int = 0
    estimate: Estimated | None = None

    @property
    def net_nanos(self) -> int:
        """The expected cost with the warm part read; 0 when the price is unknown."""
        return 0 if self.expected_nanos is None else self.expected_nanos - self.warm_nanos

    @property
    def likely_nanos(self) -> int:
        """`net_nanos` with what is paid for attempts that fail, were each paid in full."""
        if self.estimate is None or not self.estimate.failed_ppm:
            return self.net_nanos
        failed_ppm = min(self.estimate.failed_ppm, FAILED_PPM_MAX)
        return self.net_nanos * 1_000_000 // (1_000_000 - failed_ppm)

    @property
    def expected(self) -> Estimated:
        """The estimate, or one that knows nothing."""
        return NOTHING_KNOWN if self.estimate is None else self.estimate


Plan = Generator[Quoted, Outcome, None]
"""Yields attempts and is sent their outcomes; ends when there is nothing more to try."""
