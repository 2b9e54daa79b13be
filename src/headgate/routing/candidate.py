"""A deployment as routing sees it, and how an attempt at it ended."""

from collections.abc import Generator
from enum import Enum
from typing import NamedTuple

from headgate.catalog.settings import Deployment


class Outcome(Enum):
    """How an attempt ended, as far as the plan must know."""

    SERVED = "served"
    RETRYABLE = "retryable"
    FATAL = "fatal"


class Quoted(NamedTuple):
    """An eligible deployment and what the call is expected to cost there.

    Attributes:
        expected_nanos: None when its price is unknown; such a one is tried last.
        position: Its place in the route's list, from 0.
        weight: Its share of the calls, where the policy knows shares.
        via: The dialect the call is translated to, None when the deployment speaks its own.
        warm_nanos: What it saves there that a part of the prompt is in the provider's cache.
    """

    deployment: Deployment
    expected_nanos: int | None
    position: int = 0
    weight: int = 1
    via: str | None = None
    warm_nanos: int = 0

    @property
    def net_nanos(self) -> int:
        """The expected cost with the warm part read; 0 when the price is unknown."""
        return 0 if self.expected_nanos is None else self.expected_nanos - self.warm_nanos


Plan = Generator[Quoted, Outcome, None]
"""Yields attempts and is sent their outcomes; ends when there is nothing more to try."""
