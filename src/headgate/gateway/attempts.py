"""Step 4, route: which deployment a call is sent to, and where it goes on when that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.capacity.health import BREAKER_OPEN, THROTTLED
from headgate.routing.candidate import Outcome
from headgate.routing.router import Ranking
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

ATTEMPTS_MAX = 3


class Attempts:
    """Chooses where each attempt of a call goes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._turn = 0

    def first(self, exchange: Exchange) -> Refusal | None:
        """Begin the first attempt; or refuse, because nobody can serve the call now."""
        self._turn += 1
        self._world.retries.earn()
        exchange.decision = self._rank(exchange)
        exchange.plan = exchange.decision.plan(self._turn)
        quoted = next(exchange.plan, None)
        if quoted is None:
            return self._nobody(exchange)
        exchange.upcoming = self._world.targets[quoted.deployment.id]
        self.go_on(exchange)
        return None

    def find_next(self, exchange: Exchange) -> bool:
        """Find where a call whose attempt failed goes on; False when it does not.

        Whoever is unwell by now is passed over; then the attempt refers to a decision that says so.
        """
        if exchange.client is None or exchange.number >= ATTEMPTS_MAX:
            return False
        now_ns = self._pipeline.now_ns()
        passed_over = False
        while True:
            try:
                quoted = exchange.plan.send(Outcome.RETRYABLE)
            except StopIteration:
                return False
            target = self._world.targets[quoted.deployment.id]
            rule = target.health.rule(now_ns)
            if rule is None or (rule == BREAKER_OPEN and quoted in exchange.decision.resort):
                break
            passed_over = True
        if not self._world.retries.spend():
            return False
        if passed_over:
            exchange.decision = self._rank(exchange)
        exchange.upcoming = target
        return True

    def go_on(self, exchange: Exchange) -> None:
        """Begin the attempt that was found."""
        exchange.target = exchange.upcoming
        exchange.health_mark = exchange.target.health.begin(self._pipeline.now_ns())
        self._pipeline.place(exchange)

    def _rank(self, exchange: Exchange) -> Ranking:
        return self._world.router.rank(
            exchange.demand,
            dialect=exchange.dialect.KIND,
            body_bytes=len(exchange.body),
            now_ns=self._pipeline.now_ns(),
        )

    def _nobody(self, exchange: Exchange) -> Refusal:
        """Tell when somebody can be asked again, or that nobody can."""
        rules = exchange.decision.excluded
        waiting = [self._world.targets[name] for name, rule in rules if rule == THROTTLED]
        if not waiting:
            return self._spoken_elsewhere(exchange)
        at_ns = min(target.health.not_before_ns for target in waiting)
        seconds = max(1, -(-(at_ns - self._pipeline.now_ns()) // NANOS_PER_SECOND))
        names = ", ".join(target.deployment.id for target in waiting)
        message = f"The providers want no calls for {names} yet; the next may go in {seconds} s."
        return Refusal(errors.UPSTREAM_RATE_LIMITED, message, None, seconds)

    def _spoken_elsewhere(self, exchange: Exchange) -> Refusal:
        """Tell where a model is served that this dialect's path does not reach."""
        model = exchange.demand.model
        spoken = self._world.router.spoken(model)
        paths = [each.PATH for each in self._world.dialects.values() if each.KIND in spoken]
        where = f"it is served at {' and '.join(sorted(paths))}" if paths else "nothing serves it"
        here = exchange.dialect.PATH
        return Refusal(
            errors.MODEL_UNKNOWN, f"{model!r} is not served at {here}; {where}.", "model"
        )
