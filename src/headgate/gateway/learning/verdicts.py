"""What attempts say of their deployments: served or not, a rate limit used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.capacity.limits import not_before_ns
from headgate.gateway.world import World
from headgate.records.report import Failure
from headgate.units import errors

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.connection import UpstreamConnection


class Verdicts:
    """Tells how deployments do: their health, and what policies go by."""

    def __init__(self, world: World) -> None:
        self._now_ns = world.now_ns
        self._appraisal = world.appraisal

    def learn(self, exchange: Exchange, upstream: UpstreamConnection, *, denied: bool) -> None:
        """Leave a deployment alone for as long as its reply says that a rate limit is used up.

        Args:
            exchange: The call.
            upstream: Its reply, the head of which is there.
            denied: Whether the call itself was one too many.
        """
        now_ns = self._now_ns()
        until_ns = not_before_ns(upstream.passed, now_ns, throttled=denied)
        exchange.target.health.throttle(until_ns, now_ns)

    def judge(self, exchange: Exchange, failure: Failure, upstream: UpstreamConnection) -> None:
        """Tell a deployment's health what an error reply says of it."""
        if failure.code is errors.UPSTREAM_RATE_LIMITED:
            self.learn(exchange, upstream, denied=True)
        else:
            self.well(exchange, served=not failure.retryable)

    def well(self, exchange: Exchange, *, served: bool) -> None:
        """Tell a deployment's health, and those who appraise it, whether it served."""
        self.well_at(exchange, self._now_ns(), served=served)

    def well_at(self, exchange: Exchange, at_ns: int, *, served: bool) -> None:
        """Tell the same of an attempt that ended at an instant that is known already."""
        health = exchange.target.health
        if served:
            health.served(exchange.health_mark, at_ns)
        else:
            health.failed(exchange.health_mark, at_ns)
        if self._appraisal is not None:
            self._appraisal.tried(exchange, at_ns, failed=not served)
