"""Step 4, route: which deployment a call is sent to, and where it goes on when that fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from headgate.capacity.health import BREAKER_OPEN, NO_CREDENTIAL, THROTTLED
from headgate.gateway.client.lane import Lane
from headgate.gateway.learning.exploring import Exploring
from headgate.gateway.money.own_terms import keep_contracts
from headgate.gateway.refusals import no_candidate, no_credential, unmet
from headgate.gateway.stored.made import Made
from headgate.gateway.tallies import Tallies
from headgate.governance.requirements import NOTHING
from headgate.routing.candidate import Outcome, Quoted
from headgate.routing.eligibility import OWN_RULES
from headgate.routing.given import NOT_WARM, NOTHING_GIVEN, Given
from headgate.routing.ranking import plan_of
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.target import Target
    from headgate.records.conversation import Call

ATTEMPTS_MAX: Final = 3
FROZEN: Final = "frozen"
"""The rule for a deployment that is frozen, or whose provider is."""
UNSAID: Final = "feature_unsupported"
"""The rule for one whose dialect has no words for something the call asks for."""
ELSEWHERE: Final = "kept_elsewhere"
"""The rule for one whose provider does not keep the response that the call goes on from."""
FULL: Final = "full"
"""The rule for one whose places and queue are taken, or whose queue is too slow."""


class Attempts:
    """Chooses where each attempt of a call goes.

    Attributes:
        made: Who had responses made that calls go on from.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._turn = 0
        self._exploring = Exploring(pipeline.edge.workers)
        self._tallies = Tallies(pipeline)
        self.made = Made(pipeline)

    def first(self, exchange: Exchange) -> Refusal | None:
        """Begin the first attempt; or refuse, for the caller's limits, or for want of somebody."""
        after, credential = exchange.own.after, exchange.request.credential
        if after is not None and self.made.waits(exchange, after):
            return None
        if credential is not None and credential.limited:
            refusal = self._world.minutes.admit(exchange, credential)
            if refusal is not None:
                return refusal
        return self._first(exchange)

    def _first(self, exchange: Exchange) -> Refusal | None:
        self._turn += 1
        self._world.retries.earn()
        if self._pipeline.hedging is not None:
            self._pipeline.hedging.earn(exchange)
        router = self._world.router
        now_ns = self._pipeline.now_ns()
        exchange.decision = router.rank(
            exchange.demand,
            dialect=exchange.dialect.KIND,
            body_bytes=len(exchange.body),
            now_ns=now_ns,
            given=self._given(exchange, now_ns),
        )
        if exchange.decision.record.notes:
            self._exploring.heed(exchange.asked, exchange.decision.record.notes)
        responses = self._pipeline.responses
        if responses is not None and responses.answer(exchange, now_ns):
            return None
        if self._pipeline.cascading is not None:
            self._pipeline.cascading.begin(exchange, exchange.decision)
        exchange.plan = plan_of(exchange.decision, self._turn)
        passed_over: dict[str, str] = {}
        if self._choose(exchange, None, passed_over, now_ns) is None:
            return self._nobody_now(exchange, passed_over)
        refusal = self._world.deferral.put_off(exchange, exchange.upcoming, now_ns)
        if refusal is not None:
            return refusal
        if exchange.meant is None:
            self._begin(exchange, now_ns)
        else:
            self._pipeline.readings.rest(exchange)
        return None

    def _given(self, exchange: Exchange, now_ns: int) -> Given:
        world = self._world
        bound = world.interpreter.bound(exchange, world.router)
        warm = world.caching.read(exchange, now_ns)
        required = exchange.required
        if exchange.asked in world.router.particular:
            return self._given_more(exchange, Given(bound, warm, required), now_ns)
        if bound is None and warm is NOT_WARM and required is NOTHING:
            return NOTHING_GIVEN
        return Given(bound, warm, required)

    def _given_more(self, exchange: Exchange, given: Given, now_ns: int) -> Given:
        """Add what policies go by that look at a call itself."""
        world, request = self._world, exchange.request
        assert request.credential is not None, exchange.call
        session = request.head.session
        unit = request.credential.principal
        if session is not None:
            unit = f"{unit} {session.decode('latin-1')}"
        text, inputs, needs = "", given.inputs, world.router.needs(exchange.asked)
        if world.appraisal is not None and "text" in needs:
            text = world.appraisal.text(exchange)
            inputs = {**inputs, **world.appraisal.clusters(text)}
        if "session" in needs:
            inputs = {**inputs, **world.sessions.inputs(exchange, given.warm, now_ns)}
        if self._pipeline.cascading is not None:
            inputs = {**inputs, **self._pipeline.cascading.inputs(exchange, unit, now_ns)}
        if "feedback" in needs:
            inputs = {**inputs, **self._exploring.inputs(exchange, now_ns)}
        return given._replace(text=text, unit=unit, inputs=inputs)

    def may_repeat(self, exchange: Exchange) -> bool:
        """Tell whether a call may be tried where it was again; the last attempt goes elsewhere."""
        return _may_go_on(exchange) and exchange.number + 1 < ATTEMPTS_MAX

    def may_stay(self, exchange: Exchange) -> bool:
        """Tell whether a call that has waited may be tried where it was: much may have changed."""
        now_ns, target = self._pipeline.now_ns(), exchange.target
        required = exchange.required
        if required.requirements and required.violation(target.deployment, now_ns) is not None:
            return False
        return target.health.rule(now_ns) is None

    def find_next(self, exchange: Exchange) -> bool:
        """Find where a call whose attempt failed goes on; False when it does not."""
        if not _may_go_on(exchange) or exchange.number >= ATTEMPTS_MAX:
            return False
        found = self._choose(exchange, Outcome.RETRYABLE, {}, self._pipeline.now_ns())
        return found is not None and self._world.retries.spend()

    def find_beside(self, exchange: Exchange) -> Quoted | None:
        """Have an attempt that runs beside another one go to whom the plan gives next.

        Returns:
            None when there is nobody.
        """
        found = self._choose(exchange, Outcome.RETRYABLE, {}, self._pipeline.now_ns())
        if found is not None:
            self._turn_to(exchange)
        return found

    def escalate(self, exchange: Exchange) -> bool:
        """Find who answers what somebody else has not answered well; that is no retry."""
        if exchange.client is None:
            return False
        now_ns = self._pipeline.now_ns()
        return self._choose(exchange, Outcome.RETRYABLE, {}, now_ns) is not None

    def consult(self, exchange: Exchange, call: Call, target: Target) -> bool:
        """Have a target asked a question of our own next; False when it may not be asked now.

        It sees what the call says, so all that is required of who serves the call holds for it,
        and it has to be where the call may be.
        """
        frozen, now_ns = self._pipeline.frozen, self._pipeline.now_ns()
        region = target.deployment.region
        if frozen and not frozen.isdisjoint(target.nodes):
            return False
        if exchange.required.violation(target.deployment, now_ns) is not None:
            return False
        away = region != exchange.target.deployment.region
        if away and not self._world.router.reaches(exchange.asked, region):
            return False
        if target.health.rule(now_ns) is not None:
            return False
        exchange.saying = self._world.interpreter.put(call, target)
        exchange.upcoming = target
        return exchange.saying is not None

    def overflow(self, exchange: Exchange) -> bool:
        """Go on elsewhere, because the one that was chosen is full; False when nobody is left."""
        full = {exchange.target.deployment.id: FULL}
        now_ns = self._pipeline.now_ns()
        if self._choose(exchange, Outcome.RETRYABLE, full, now_ns) is None:
            return False
        self._begin(exchange, now_ns)
        return True

    def _choose(
        self,
        exchange: Exchange,
        outcome: Outcome | None,
        passed_over: dict[str, str],
        now_ns: int,
    ) -> Quoted | None:
        """Take the plan's next candidate that may be asked; None when there is none.

        Args:
            exchange: The call.
            outcome: How the attempt before it ended, None for the first.
            passed_over: Who is passed over, by the rule: whoever is unwell or frozen by now is
                added. The attempt then refers to a decision that says so.
            now_ns: The present.
        """
        while True:
            quoted = self._candidate(exchange, outcome)
            if quoted is None:
                return None
            target = self._world.targets[quoted.deployment.id]
            rule = self._rule(exchange, target, quoted, now_ns)
            if rule is None:
                break
            if rule == BREAKER_OPEN:
                exchange.spared += (quoted,)
            passed_over[quoted.deployment.id] = rule
            outcome = Outcome.RETRYABLE
        if passed_over:
            exchange.decision = self._world.router.amend(exchange.decision, passed_over, now_ns)
        exchange.upcoming = target
        return quoted

    def _candidate(self, exchange: Exchange, outcome: Outcome | None) -> Quoted | None:
        """Return whom the plan gives next; after it, whose breaker has opened since it was made.

        Those too are a last resort: a refusal would be certain.
        """
        plan = exchange.plan
        assert plan is not None, exchange.call
        try:
            return plan.send(outcome) if outcome else next(plan)
        except StopIteration:
            exchange.plan_over = True
        if not exchange.spared:
            return None
        quoted, *rest = exchange.spared
        exchange.spared = tuple(rest)
        return quoted

    def _rule(self, exchange: Exchange, target: Target, quoted: Quoted, now_ns: int) -> str | None:
        frozen = self._pipeline.frozen
        if frozen and not frozen.isdisjoint(target.nodes):
            return FROZEN
        if exchange.required.requirements:
            # Again, and for every attempt: a certificate may have ended while the call waited.
            violated = exchange.required.violation(target.deployment, now_ns)
            if violated is not None:
                return violated
        if exchange.own.after is not None:
            elsewhere = self.made.why_not(exchange, target)
            if elsewhere is not None:
                exchange.unsaid = elsewhere
                return ELSEWHERE
        rule = target.health.rule(now_ns)
        if rule == BREAKER_OPEN and (exchange.plan_over or quoted in exchange.decision.resort):
            rule = None
        if rule is None:
            saying = self._world.interpreter.say(exchange, quoted, target, now_ns)
            if isinstance(saying, Refusal):
                exchange.unsaid = exchange.unsaid or saying
                return UNSAID
            exchange.saying = saying
        return rule

    def go_on(self, exchange: Exchange) -> None:
        """Begin the attempt that was found."""
        self._begin(exchange, self._pipeline.now_ns())

    def _begin(self, exchange: Exchange, now_ns: int) -> None:
        self._turn_to(exchange)
        exchange.health_mark = exchange.target.health.begin(now_ns)
        self._pipeline.place(exchange)

    def _turn_to(self, exchange: Exchange) -> None:
        """Have the call said to the target that was found."""
        exchange.target = exchange.upcoming
        saying, exchange.saying = exchange.saying, None
        assert saying is not None, exchange.call
        exchange.spoken, exchange.outgoing, exchange.demand, exchange.lost = saying
        if self._world.contract_nodes:
            keep_contracts(exchange)

    def _nobody_now(self, exchange: Exchange, passed_over: Mapping[str, str]) -> Refusal | None:
        """Refuse a call that nobody can serve; a count of tokens is made here instead."""
        refusal = self._nobody(exchange, passed_over)
        if exchange.own.free and refusal.code is not errors.FROZEN:
            return self._tallies.count(exchange, refusal)
        return refusal

    def _nobody(self, exchange: Exchange, passed_over: Mapping[str, str]) -> Refusal:
        """Tell what is frozen, or when somebody can be asked again, or that nobody can."""
        for name, rule in passed_over.items():
            frozen = self._pipeline.why_frozen(self._world.targets[name].nodes)
            if rule == FROZEN and frozen is not None:
                return frozen
        rules = (*exchange.decision.excluded, *passed_over.items())
        waiting = [self._world.targets[name] for name, rule in rules if rule == THROTTLED]
        if exchange.required.requirements:
            return unmet(exchange.asked, exchange.required, rules)
        barred = sorted({name for name, rule in rules if rule == NO_CREDENTIAL})
        if barred and not waiting:
            return no_credential(barred)
        if not waiting:
            if any(rule.partition(":")[0] in OWN_RULES for _, rule in rules):
                return no_candidate(exchange.asked, rules)
            return self._world.interpreter.why_unserved(exchange, self._world.router)
        at_ns = min(target.health.not_before_ns for target in waiting)
        seconds = max(1, -(-(at_ns - self._pipeline.now_ns()) // NANOS_PER_SECOND))
        names = ", ".join(target.deployment.id for target in waiting)
        message = f"The providers want no calls for {names} yet; the next may go in {seconds} s."
        return Refusal(errors.UPSTREAM_RATE_LIMITED, message, None, seconds)


def _may_go_on(exchange: Exchange) -> bool:
    """Tell whether a call whose attempt ends may be tried again.

    Not while another attempt runs beside it: that one goes on.
    """
    return exchange.client is not None and not isinstance(exchange.client, Lane)
