"""Cascades live: a reply is verified before its client sees it, and the next step is asked.

A stream is held back for that; the last step's goes to the client at once. Each step is an attempt
with its own hold and charge, and so is a judge's. The reply so far is kept: where a step cannot be
held, or nobody is left, the client gets the last one there is, if the policy says so. Calls of
other policies never come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headgate.dialects.translation.translated import Translated
from headgate.gateway import replies
from headgate.gateway.cascades.cascade_runs import Kept, Run, Runs
from headgate.gateway.cascades.hearing import Hearing
from headgate.gateway.client.http_bytes import JSON
from headgate.gateway.kept.recorder import Recorder
from headgate.gateway.money.metering import bound_settlement, meter
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
    from headgate.gateway.upstream.connection import UpstreamConnection
    from headgate.records.charge import Settlement
    from headgate.records.reply import Reply
    from headgate.routing.policies.registry import Inputs
    from headgate.routing.ranking import Ranking

UNREADABLE: Final = Verdict(accepted=False, reason="unreadable")
TOO_LONG: Final = "withheld_too_long"
"""Why a stream was ended that is longer than may be held back."""

NOBODY: Final = "No answer passed the verification, and no other model could be asked."
NOT_STREAMED: Final = "The provider answered without a stream."


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
            reply = self.runs.read(exchange, told, kind=exchange.spoken.KIND)
            more = self._after_judge(exchange, run, reply)
        else:
            lines, content_type = self._lines(exchange, upstream, report), JSON
            if not isinstance(exchange.spoken, Translated):
                content_type = upstream.content_type or JSON
                if upstream.content_encoding:
                    lines += b"content-encoding: %b\r\n" % upstream.content_encoding
            reply = self.runs.read(exchange, told)
            self.runs.keep(run, self._kept(exchange, run, (content_type, lines, told), reply))
            more = self._after_step(exchange, run, reply)
        self._close(exchange, run, settlement, report, more=more)
        return True

    def hears(self, exchange: Exchange, feed: Callable[[bytes], bytes]) -> Hearing | None:
        """Return what hears a stream that begins, and holds it back or not; None for no step.

        Args:
            exchange: The call.
            feed: What takes the stream otherwise.
        """
        run, upstream = self.runs.of(exchange), exchange.upstream
        if run is None or upstream is None:
            return None
        withholds = self.withholds(exchange)
        gathered, passed = None, None
        if exchange.outgoing is run.question:
            gathered = self.runs.gathered(exchange, exchange.spoken.KIND)
        elif withholds or any(step.said and not step.accepted for step in run.steps):
            # What the last step says tells whether those before it were rejected rightly.
            gathered = self.runs.gathered(exchange)
        if withholds:
            passed = replies.passed_on(exchange, upstream.passed)
        else:
            line = self._place_line(self._place(exchange, run), run)
            # A stream may begin more than once: its first events may say nothing to the client.
            upstream.passed = upstream.passed.removesuffix(line) + line
        run.hearing = hearing = Hearing(self._pipeline, exchange, feed, gathered, passed)
        return hearing

    def withholds(self, exchange: Exchange) -> bool:
        """Tell whether a call's attempt is one of which its client sees nothing yet."""
        run = self.runs.of(exchange)
        if run is None:
            return False
        return exchange.outgoing is run.question or exchange.target.deployment.id in run.chain[:-1]

    def takes_stream(
        self, exchange: Exchange, report: Report, rest: bytes, cut: str | None
    ) -> bool:
        """End an attempt whose stream was held back; False for one that its client has.

        Args:
            exchange: The call.
            report: What the stream said.
            rest: Its last bytes.
            cut: Why it did not end in order, None when it did.
        """
        run = self.runs.of(exchange)
        hearing = None if run is None else run.hearing
        if run is None or hearing is None:
            return False
        if not hearing.withholds:
            hearing.end(rest)
            run.hearing = None
            if cut is None:
                self.runs.served(exchange, run, self.runs.digest(hearing.reply()))
            return False
        if cut is None:
            self._after_stream(exchange, run, hearing, meter(exchange, report), report, rest)
        else:
            self._end_hearing(exchange, run, hearing)
            self._pipeline.endings.broken(exchange, cut, report)
        return True

    def takes_stopped(
        self, exchange: Exchange, settlement: Settlement, report: Report, last: bytes
    ) -> bool:
        """End an attempt whose stream was held back and had to be stopped; False for others."""
        run = self.runs.of(exchange)
        hearing = None if run is None else run.hearing
        if run is None or hearing is None or not hearing.withholds:
            return False
        self._after_stream(exchange, run, hearing, settlement, report, last)
        return True

    def too_long(self, exchange: Exchange) -> None:
        """End an attempt whose stream is longer than may be held back; its answer did not pass."""
        run = self.runs.of(exchange)
        assert run is not None and run.hearing is not None, exchange.call
        self._end_hearing(exchange, run, run.hearing)
        report = exchange.cancel() or Report()
        settlement = bound_settlement(exchange, report, TOO_LONG)
        if exchange.outgoing is run.question:
            more = self._after_judge(exchange, run, None)
        else:
            run.pending, run.pending_said = exchange.target.deployment.id, b""
            run.judged(accepted=False)
            more = self._escalates(exchange, run)
        if not more and run.kept is None:
            run.refused = Refusal(errors.CASCADE_EXHAUSTED, NOBODY)
        self._close(exchange, run, settlement, report, more=more)

    def _after_stream(
        self,
        exchange: Exchange,
        run: Run,
        hearing: Hearing,
        settlement: Settlement,
        report: Report,
        last: bytes,
    ) -> None:
        held = self._end_hearing(exchange, run, hearing, last)
        reply = hearing.reply()
        if exchange.outgoing is run.question:
            run.memory.checked(settlement.amount_nanos, self._pipeline.now_ns())
            more = self._after_judge(exchange, run, reply)
        else:
            lines = replies.facts(exchange, report.served_model, None) + hearing.passed
            self.runs.keep(run, self._kept(exchange, run, (None, lines, held), reply))
            more = self._after_step(exchange, run, reply)
        self._close(exchange, run, settlement, report, more=more)

    def _end_hearing(
        self, exchange: Exchange, run: Run, hearing: Hearing, last: bytes = b""
    ) -> bytes:
        """Return what was held back; another attempt may follow, so nothing has begun."""
        run.hearing = None
        exchange.begun = False
        return hearing.end(last)

    def _close(
        self,
        exchange: Exchange,
        run: Run,
        settlement: Settlement,
        report: Report,
        *,
        more: bool,
    ) -> None:
        """Settle an attempt that answered, and go on, refuse, or send the reply so far."""
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

    def _after_step(self, exchange: Exchange, run: Run, reply: Reply | None) -> bool:
        """Verify a step's reply for who waits; True when the call goes on."""
        name = exchange.target.deployment.id
        if name not in run.chain[:-1] or exchange.client is None:
            return False
        verdict = UNREADABLE if reply is None else run.verifier.verify(run.call, reply, run.before)
        assert run.kept is not None, exchange.call
        run.pending, run.pending_said = name, run.kept.said
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
            run.refused = Refusal(errors.CASCADE_EXHAUSTED, NOBODY)
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

    def _after_judge(self, exchange: Exchange, run: Run, reply: Reply | None) -> bool:
        """Heed what the judge says, which is nothing when it is None; True for the next step."""
        passed = reply is not None and judge.passes(reply)
        run.judged(accepted=passed)
        exchange.prompt, run.prompt = run.prompt, None
        return not passed and self._escalates(exchange, run)

    def _lines(self, exchange: Exchange, upstream: UpstreamConnection, report: Report) -> bytes:
        """Return the header lines that tell who made a whole reply."""
        lines = replies.facts(exchange, report.served_model, None)
        lines += replies.passed_on(exchange, upstream.passed)
        if isinstance(exchange.spoken, Translated):
            lines += replies.untold_line(exchange.spoken.untold)
        return lines

    def _kept(
        self,
        exchange: Exchange,
        run: Run,
        told: tuple[bytes | None, bytes, bytes],
        reply: Reply | None,
    ) -> Kept:
        """Return a step's reply as it is kept; `told` is its type, its lines and its body."""
        content_type, lines, body = told
        said, place = self.runs.digest(reply), self._place(exchange, run)
        return Kept(content_type or b"", lines, body, place, said, content_type is None)

    def _place(self, exchange: Exchange, run: Run) -> int:
        """Return the how-manieth of its chain answers, from 1."""
        name = exchange.target.deployment.id
        return run.chain.index(name) + 1 if name in run.chain else len(run.chain)

    def _place_line(self, step: int, run: Run) -> bytes:
        return b"x-headgate-cascade: %d/%d\r\n" % (step, len(run.chain))

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
            # An error in place of the reply is not what its key gets from now on.
            client.whole = kept.streamed or not exchange.headed
        lines = kept.lines + replies.cost_line(run.paid_nanos)
        lines += self._place_line(kept.step, run)
        if kept.streamed:
            exchange.array = replies.array_of(exchange.request)
            if not exchange.headed:
                client.write(replies.held_stream_head(exchange, lines))
            exchange.write_stream_end(kept.body)
        elif exchange.headed:
            refusal = Refusal(errors.UPSTREAM_BROKEN, NOT_STREAMED)
            error = exchange.dialect.render_stream_error(refusal, exchange.call)
            exchange.write_stream_end(error)
        else:
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
