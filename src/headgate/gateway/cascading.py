"""Cascades live: a whole reply is verified before its client sees it, and the next step is asked.

Each step is an attempt with its own hold and charge, and so is a judge's. The reply so far is kept:
where a step cannot be held, or nobody is left, the client gets the last one there is, if the policy
says so. Calls of other policies never come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.dialects.translation.translated import Translated
from headgate.gateway import replies
from headgate.gateway.cascade_runs import Kept, Run, Runs
from headgate.gateway.http_bytes import JSON
from headgate.gateway.metering import meter
from headgate.gateway.recorder import Recorder
from headgate.records.report import Report
from headgate.routing.policies import cascade
from headgate.routing.policies.cascade import PROBE_NANOS
from headgate.routing.verifiers import judge
from headgate.routing.verifiers.registry import Verdict
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream import UpstreamConnection
    from headgate.records.reply import Reply
    from headgate.routing.policies.registry import Inputs
    from headgate.routing.ranking import Ranking

UNREADABLE: Final = Verdict(accepted=False, reason="unreadable")


class Cascading:
    """Verifies and escalates."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self.runs = Runs(pipeline)

    def inputs(self, exchange: Exchange, unit: str, now_ns: int) -> Inputs:
        """Return what a cascade is told of a call; nothing where the name has none."""
        return self.runs.inputs(exchange, unit, now_ns)

    def drop(self, exchange: Exchange) -> None:
        """Forget a call that is over."""
        self.runs.drop(exchange)

    def paid(self, exchange: Exchange, nanos: int) -> None:
        """Count what an attempt was posted at, however it ended."""
        run = self.runs.of(exchange)
        if run is not None:
            run.paid_nanos += nanos

    def begin(self, exchange: Exchange, ranking: Ranking) -> None:
        """Take up a call whose decision has a chain; the others are none of ours."""
        run = self.runs.of(exchange)
        if run is None:
            return
        notes = ranking.record.notes
        run.chain = cascade.chain_of(notes)
        if not run.chain:
            self.runs.drop(exchange)
            return
        spent = notes.get(PROBE_NANOS)
        if isinstance(spent, int):
            self.runs.probed(run, spent)

    def takes(
        self, exchange: Exchange, upstream: UpstreamConnection, told: bytes | None, report: Report
    ) -> bool:
        """End an attempt of a cascade: with the call, or going on; False when it is of none.

        Args:
            exchange: The call.
            upstream: Its reply's head.
            told: The reply in the client's dialect; a judge's in its own; None when it cannot be
                told.
            report: What is metered of it.
        """
        run = self.runs.of(exchange)
        if run is None or told is None:
            return False
        settlement = meter(exchange, report)
        if run.question is not None and exchange.outgoing is run.question:
            run.memory.checked(settlement.amount_nanos, self._pipeline.now_ns())
            passed = self._passes(exchange, told)
            run.judged(accepted=passed)
            exchange.prompt, run.prompt = run.prompt, None
            more = not passed and self._escalates(exchange, run)
        else:
            more = self._after_step(exchange, upstream, run, told, report)
        endings = self._pipeline.endings
        final = not more and run.refused is None
        endings.settle(exchange, settlement, report, final=final)
        endings.verdicts.well(exchange, served=True)
        if more:
            self._pipeline.attempts.go_on(exchange)
        elif run.refused is not None:
            endings.refuse(exchange, run.refused)
        else:
            self._serve(exchange, run)
            endings.finish(exchange)
        return True

    def _after_step(
        self,
        exchange: Exchange,
        upstream: UpstreamConnection,
        run: Run,
        told: bytes,
        report: Report,
    ) -> bool:
        """Keep a step's reply and verify it for who waits; True when the call goes on."""
        name = exchange.target.deployment.id
        reply = self.runs.read(exchange, told)
        said = self.runs.digest(reply)
        place = run.chain.index(name) + 1 if name in run.chain else len(run.chain)
        run.kept = self._keep(exchange, upstream, told, report, (place, said))
        if name not in run.chain[:-1] or exchange.client is None:
            return False
        verdict = UNREADABLE if reply is None else run.verifier.verify(run.call, reply, run.before)
        run.pending, run.pending_said = name, said
        if reply is not None:
            run.before = (*run.before, reply)
        if verdict.accepted and run.verifier.ASKS and reply is not None:
            if self._asks_judge(exchange, run, reply):
                return True
            verdict = Verdict(accepted=False, reason="no_judge")
        if len(run.before) > run.verifier.BLIND or reply is None:
            run.judged(accepted=verdict.accepted)
        return not verdict.accepted and self._escalates(exchange, run)

    def _escalates(self, exchange: Exchange, run: Run) -> bool:
        """Find the next step; where there is none, the policy says what the client gets."""
        if self._pipeline.attempts.escalate(exchange):
            return True
        if run.refuses:
            why = "No answer passed the verification, and no other model could be asked."
            run.refused = Refusal(errors.CASCADE_EXHAUSTED, why)
        return False

    def _asks_judge(self, exchange: Exchange, run: Run, reply: Reply) -> bool:
        """Have the next attempt be the judge's; False when it may not be asked."""
        name = run.settings.texts.get("judge")
        if name is None or exchange.client is None:
            return False
        asked = judge.question(run.call, reply, run.settings.texts.get("rubric", ""))
        target = self._world.targets[name]
        if not self._pipeline.attempts.consult(exchange, asked, target):
            return False
        assert exchange.saying is not None
        run.question = exchange.saying[1]
        # The caches know the client's prompt, which this is not.
        run.prompt, exchange.prompt = exchange.prompt, None
        return True

    def _passes(self, exchange: Exchange, body: bytes) -> bool:
        reply = self.runs.read(exchange, body, kind=exchange.spoken.KIND)
        return reply is not None and judge.passes(reply)

    def _keep(
        self,
        exchange: Exchange,
        upstream: UpstreamConnection,
        told: bytes,
        report: Report,
        place: tuple[int, bytes],
    ) -> Kept:
        lines = replies.facts(exchange, report.served_model, None)
        lines += replies.passed_on(exchange, upstream.passed)
        content_type = JSON
        if isinstance(exchange.spoken, Translated):
            lines += replies.untold_line(exchange.spoken.untold)
        else:
            content_type = upstream.content_type or JSON
            if upstream.content_encoding:
                lines += b"content-encoding: %b\r\n" % upstream.content_encoding
        return Kept(content_type, lines, told, *place)

    def saves(self, exchange: Exchange) -> bool:
        """Send the reply so far in place of a refusal; False when there is none to be sent."""
        run = self.runs.of(exchange)
        if run is None or run.refuses or run.kept is None:
            return False
        self._serve(exchange, run)
        return True

    def _serve(self, exchange: Exchange, run: Run) -> None:
        kept, client = run.kept, exchange.client
        assert isinstance(kept, Kept), exchange.call
        self.runs.served(exchange, run, kept.said)
        if client is None:
            return
        if isinstance(client, Recorder):
            client.whole = True
        lines = kept.lines + replies.cost_line(run.paid_nanos)
        lines += b"x-headgate-cascade: %d/%d\r\n" % (kept.step, len(run.chain))
        client.write(replies.reply(exchange, 200, kept.content_type, lines, kept.body))


def has_kept(pipeline: Pipeline, exchange: Exchange) -> bool:
    """Tell whether a call has a reply so far, and its policy has it sent."""
    cascading = pipeline.cascading
    run = None if cascading is None else cascading.runs.of(exchange)
    return run is not None and run.kept is not None and not run.refuses


def is_judged(pipeline: Pipeline, exchange: Exchange) -> bool:
    """Tell whether a call's attempt is a judge's; what is wrong with that is not the client's."""
    cascading = pipeline.cascading
    run = None if cascading is None else cascading.runs.of(exchange)
    return run is not None and run.question is not None and exchange.outgoing is run.question
