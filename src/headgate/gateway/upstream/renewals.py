"""Calls whose provider has rejected a credential that expires: sent again with a fresh one.

A credential may end before its time: revoked, or of an issuer that promised too much. The first
call that is told so has a fresh one fetched, and waits for it with those that follow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from headgate.gateway.readings import RECEIVED
from headgate.records.report import Failure
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

RENEW: Final = "renew"
"""The phase of a call that waits for a fresh credential."""
STATUSES: Final = (401, 403)
"""Rejected, by RFC 9110; AWS says 403 of a token that has expired."""
RENEWED: Final = "credential_renewed"
"""Why an attempt ended that is made again with a fresh credential: it says nothing of its
deployment."""
WAIT_MS: Final = 40_000
"""A call waits no longer: whoever fetches has half of that for it."""
AGAIN_NS: Final = 60 * NANOS_PER_SECOND
"""So long after a fresh one was asked for none is asked for: it is rejected for another reason."""


class Renewals:
    """Those of one provider.

    Args:
        fetch: Has a fresh credential fetched at once; `came` is called afterwards.
        now_ns: The clock.
    """

    def __init__(self, fetch: Callable[[], None], now_ns: Callable[[], int]) -> None:
        self._fetch = fetch
        self._now_ns = now_ns
        self._waiting: list[tuple[Pipeline, Exchange]] = []
        self._came_ns = self._asked_ns = 0

    def may(self, pipeline: Pipeline, exchange: Exchange) -> bool:
        """Tell whether a call that was rejected is sent again: it was sent with another one.

        Or nobody has asked for a fresh one lately.
        """
        older = exchange.sent_ns < self._came_ns
        asks = bool(self._waiting) or self._now_ns() - self._asked_ns > AGAIN_NS
        return (older or asks) and pipeline.attempts.may_repeat(exchange)

    def send_again(self, pipeline: Pipeline, exchange: Exchange) -> None:
        """Send it with the credential at hand if that is newer, else when a fresh one came."""
        if exchange.sent_ns < self._came_ns:
            pipeline.place(exchange)
            return
        exchange.enter(RENEW)
        self._waiting.append((pipeline, exchange))
        if len(self._waiting) == 1:
            self._asked_ns = self._now_ns()
            self._fetch()

    def came(self, *, fresh: bool) -> None:
        """Go on with those that wait, each in a turn of its own."""
        if fresh:
            self._came_ns = self._now_ns()
        waiting, self._waiting = self._waiting, []
        for pipeline, exchange in waiting:
            pipeline.world.outbox.soon(partial(_go_on, pipeline, exchange, fresh))

    def sweep(self, now_ms: int) -> None:
        """Go on with those that have waited for too long, each in a turn of its own."""
        late = [each for each in self._waiting if now_ms - each[1].since_ms > WAIT_MS]
        for pipeline, exchange in late:
            self._waiting.remove((pipeline, exchange))
            pipeline.world.outbox.soon(partial(_go_on, pipeline, exchange, False))


def _go_on(pipeline: Pipeline, exchange: Exchange, fresh: bool) -> None:
    """Send a call again where it was; elsewhere, when none came or it may not go there now."""
    if exchange.phase != RENEW:
        return
    exchange.phase = RECEIVED
    if fresh and pipeline.attempts.may_stay(exchange):
        pipeline.place(exchange)
    elif pipeline.attempts.find_next(exchange):
        pipeline.attempts.go_on(exchange)
    else:
        code, name = errors.UPSTREAM_CREDENTIAL, exchange.target.deployment.provider
        pipeline.endings.refuse(exchange, Refusal(code, f"{name}: {code.sentence}"))


def renewals_of(
    pipeline: Pipeline, exchange: Exchange, failure: Failure, status: int
) -> Renewals | None:
    """Return what sends a call again that its provider has answered so; None when nothing does."""
    found = exchange.target.pool.renewals
    if found is None or failure.code is not errors.UPSTREAM_CREDENTIAL or status not in STATUSES:
        return None
    return found if found.may(pipeline, exchange) else None
