"""How attempts and calls end: step 8, meter, step 9, settle, and everything that goes wrong.

Each attempt that was held ends here exactly once: settled at what it cost, settled at its bound
when nobody knows, or voided when certainly no byte reached the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.dialects.body import TOO_DEEP
from headgate.dialects.translation.translated import Translated
from headgate.gateway import refusals, replies
from headgate.gateway.answers import Answer
from headgate.gateway.cascades.cascading import NOT_STREAMED, has_kept, is_judged
from headgate.gateway.client.http_bytes import JSON
from headgate.gateway.client.tap import Tap
from headgate.gateway.learning.verdicts import Verdicts
from headgate.gateway.money.metering import bound_settlement, meter
from headgate.gateway.readings import UNBEGUN
from headgate.gateway.refusals import LENGTH_STOP, stream_cut
from headgate.gateway.upstream.connection import IN_HAND
from headgate.gateway.upstream.renewals import RENEWED, renewals_of
from headgate.gateway.upstream.unpacking import UNREADABLE
from headgate.gateway.waiting import WAITING, stop_waiting
from headgate.ledger.slices import Slice
from headgate.records.charge import Settlement
from headgate.records.report import Report
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.connection import UpstreamConnection

STALE: Final = "closed_before_reply"
LOST: Final = "connection_lost"
SHUTDOWN: Final = "shutdown_timeout"
HELD: Final = "send"
"""The phase of an attempt that is held, and for which no connection was looked for yet."""
UNSENT: Final = (HELD, "sync", "connect")
"""The phases of an attempt that is held, and of which no byte was sent."""
UNKNOWN_REPORT: Final = Report()
_BUG: Final = Refusal(errors.INTERNAL, errors.INTERNAL.sentence)


class Endings:
    """The ends of attempts and calls.

    Attributes:
        verdicts: What attempts say of their deployments.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._books = pipeline.world.books
        self.verdicts = Verdicts(pipeline.world)
        self._now_ns = pipeline.world.now_ns
        self._cascading = pipeline.cascading
        self._kept_of = pipeline.attempts.made.dialect

    # Replies that came whole.

    def served(
        self, exchange: Exchange, upstream: UpstreamConnection, body: bytes, report: Report
    ) -> None:
        """A whole reply that is not streamed: meter it, settle it, have it passed on."""
        if not report.complete and not upstream.framed:
            # Only the connection's end says that this is all, and what came is not a reply.
            self.broken(exchange, LOST)
            return
        if report.errored and report.usage_json is None:
            self.failed(exchange, upstream, body)
            return
        spoken = exchange.spoken
        told = spoken.render_reply(body) if isinstance(spoken, Translated) else body
        whole = report.complete and told is not None
        if not whole and self._pipeline.attempts.find_next(exchange):
            settlement = (
                meter(exchange, report)
                if report.complete
                else bound_settlement(exchange, report, UNREADABLE)
            )
            self.settle(exchange, settlement, report, final=False)
            self.verdicts.well(exchange, served=False)
            self._pipeline.attempts.go_on(exchange)
            return
        if self._cascading is not None and self._cascading.takes(exchange, upstream, told, report):
            return
        answer = Answer(exchange, upstream, told, report, meter(exchange, report))
        if isinstance(exchange.client, Tap):
            # What is written to a tap may decide about others: whether another attempt has lost.
            self.post(answer)
        else:
            self._pipeline.stages.settle(answer)

    def post(self, answer: Answer) -> None:
        """Settle a whole reply that is metered, and have it passed on."""
        exchange, settlement = answer.exchange, answer.settlement
        at_ns = self.settle(exchange, settlement, answer.report)
        self.verdicts.well_at(exchange, at_ns, served=answer.whole)
        client = exchange.client
        if isinstance(client, Tap):
            client.ends(settlement, whole=answer.whole and not exchange.headed)
        if exchange.headed:
            # A stream was asked for and begun, and no stream came.
            self.answer(exchange, Refusal(errors.UPSTREAM_BROKEN, NOT_STREAMED))
        elif isinstance(client, Tap):
            answer.write()
            self.finish(exchange)
        else:
            self._pipeline.stages.tell(answer)

    def stream_ended(
        self, exchange: Exchange, report: Report, rest: bytes, reason: str | None = None
    ) -> None:
        """A stream is over: by its terminal event, or because it broke off.

        Args:
            exchange: The call.
            report: What the stream said.
            rest: Bytes of it that were held back and may go to the client.
            reason: Why it broke off, None when its connection says it is whole.
        """
        whole = report.complete and not report.errored
        cut = "" if whole else reason or ("provider_error" if report.errored else "stream_cut")
        cascading = self._cascading
        if cascading is not None and cascading.takes_stream(exchange, report, rest, cut or None):
            return
        self.verdicts.well(exchange, served=whole)
        if whole:
            settlement = meter(exchange, report)
        else:
            settlement = bound_settlement(exchange, report, cut)
            if not report.errored:
                rest += exchange.dialect.render_stream_error(stream_cut(cut), exchange.call)
        self.settle(exchange, settlement, report)
        if isinstance(exchange.client, Tap):
            exchange.client.ends(settlement, whole=whole)
        exchange.write_stream_end(rest)
        self.finish(exchange)

    def failed(self, exchange: Exchange, upstream: UpstreamConnection, body: bytes) -> None:
        """The provider answered with an error, perhaps under status 200; it bills none."""
        failure = exchange.target.failure(upstream.status, body)
        renewals = renewals_of(self._pipeline, exchange, failure, upstream.status)
        again = renewals is not None
        if not again:
            self.verdicts.judge(exchange, failure, upstream)
        retryable = failure.retryable or is_judged(self._pipeline, exchange)
        more = not again and retryable and self._pipeline.attempts.find_next(exchange)
        settlement = Settlement(0, "measured", reason=RENEWED if again else failure.code.code)
        self.settle(exchange, settlement, UNKNOWN_REPORT, final=not (again or more))
        if renewals is not None:
            renewals.send_again(self._pipeline, exchange)
            return
        if more:
            self._pipeline.attempts.go_on(exchange)
            return
        if exchange.headed or has_kept(self._pipeline, exchange):
            self.answer(exchange, refusals.why_failed(exchange, failure, upstream.passed))
        elif failure.pass_through and isinstance(exchange.spoken, Translated):
            said = exchange.spoken.error_message(body) or failure.code.sentence
            self.answer(exchange, Refusal(failure.code, said))
        elif failure.pass_through and exchange.client is not None:
            status = failure.code.status if upstream.status == 200 else upstream.status
            lines = replies.facts(exchange, None, 0)
            lines += b"x-headgate-code: %b\r\n" % failure.code.code.encode()
            self._pass_on(exchange, upstream, status, body, lines)
            self.finish(exchange)
        else:
            self.answer(exchange, refusals.why_failed(exchange, failure, upstream.passed))

    def _pass_on(
        self,
        exchange: Exchange,
        upstream: UpstreamConnection,
        status: int,
        body: bytes,
        lines: bytes,
    ) -> None:
        lines += replies.passed_on(exchange, upstream.passed)
        if upstream.content_encoding:
            lines += b"content-encoding: %b\r\n" % upstream.content_encoding
        assert exchange.client is not None
        content_type = upstream.content_type or JSON
        exchange.client.write(replies.reply(exchange, status, content_type, lines, body))

    # Replies that did not.

    def not_sent(self, exchange: Exchange, reason: str) -> None:
        """No connection: certainly no byte reached the provider, so the hold is void."""
        exchange.upstream = None
        again = reason == IN_HAND and self._pipeline.attempts.may_repeat(exchange)
        if reason != IN_HAND:
            self.verdicts.well(exchange, served=False)
        more = not again and self._pipeline.attempts.find_next(exchange)
        at_ns = self._now_ns()
        self._books.void(exchange, reason, at_ns=at_ns, final=not (again or more))
        self._leave_place(exchange, at_ns, served=False)
        if again:
            self._pipeline.place(exchange)
        elif more:
            self._pipeline.attempts.go_on(exchange)
        else:
            self.answer(exchange, refusals.unreached(exchange.target.deployment.provider, reason))

    def not_spliced(self, exchange: Exchange, error: Exception) -> None:
        """The body could not be changed as it must be, and nothing was sent: a bug of ours.

        Or it is nested just so deeply that it could be read before, on a shorter stack.
        """
        self._books.void(exchange, str(error), at_ns=self._now_ns(), final=True)
        self.answer(exchange, TOO_DEEP if isinstance(error, RecursionError) else _BUG)

    def unwritten(self, exchange: Exchange) -> None:
        """The disk has refused the hold, so nothing was sent."""
        refusal = refusals.unwritten(self._world.journal)
        reason = refusal.code.code
        self._books.void(exchange, reason, at_ns=self._now_ns(), final=True)
        self.answer(exchange, refusal)

    def broken(self, exchange: Exchange, reason: str, report: Report = UNKNOWN_REPORT) -> None:
        """No whole reply came: nobody knows what it cost, so its bound is posted."""
        settlement = bound_settlement(exchange, report, reason)
        stale = reason == STALE
        if not stale:
            self.verdicts.well(exchange, served=False)
        # A kept connection had gone stale: the same deployment deserves another try, but the last
        # attempt goes elsewhere, for its other connections may be stale as well.
        again = stale and self._pipeline.attempts.may_repeat(exchange)
        more = not again and reason != SHUTDOWN and self._pipeline.attempts.find_next(exchange)
        self.settle(exchange, settlement, report, final=not (again or more))
        if again:
            self._pipeline.place(exchange)
        elif more:
            self._pipeline.attempts.go_on(exchange)
        else:
            self.answer(exchange, refusals.why_broken(exchange, reason))

    def client_gone(self, exchange: Exchange) -> None:
        """See to its end what may have cost money; a recorder stays for who comes back."""
        phase = exchange.phase
        if phase in UNBEGUN:
            self.finish(exchange)
        elif phase in WAITING:
            stop_waiting(self._pipeline, exchange)
            self.finish(exchange)
        elif phase in UNSENT:
            at_ns = self._now_ns()
            self._books.void(exchange, "client_gone", at_ns=at_ns, final=True)
            self.finish(exchange)
        elif exchange.begun and exchange.client is None and _cancels(exchange):
            self.give_up(exchange, "client_gone")
        else:
            exchange.drained_since_ms = self._pipeline.coarse_ms
            exchange.resume()

    def give_up(self, exchange: Exchange, reason: str) -> None:
        """Close the upstream in the middle of an attempt and post its bound."""
        report = exchange.cancel() or UNKNOWN_REPORT
        self.settle(exchange, bound_settlement(exchange, report, reason), report)
        self.finish(exchange)

    def cut(self, exchange: Exchange, refusal: Refusal) -> None:
        """End a call that may not go on, whatever it is at.

        What was not sent is not. A stream is closed, to the provider as well, and its bound is
        posted. A whole reply that was asked for is paid for anyway: it is read to its end for
        the books, and nobody gets it; nor what a cascade has kept.
        """
        if self._cascading is not None:
            self._cascading.drop(exchange)
        phase = exchange.phase
        if phase in WAITING:
            stop_waiting(self._pipeline, exchange)
            self.refuse(exchange, refusal)
        elif phase in UNSENT:
            reason = refusal.code.code
            self._books.void(exchange, reason, at_ns=self._now_ns(), final=True)
            self.answer(exchange, refusal)
        elif exchange.own.stream and exchange.held:
            report = exchange.cancel() or UNKNOWN_REPORT
            settlement = bound_settlement(exchange, report, refusal.code.code)
            self.settle(exchange, settlement, report)
            exchange.headed = exchange.headed or exchange.begun
            self.answer(exchange, refusal)
        elif exchange.client is not None:
            client, exchange.client = exchange.client, None
            client.write(replies.refusal(exchange, refusal))
            client.done(keep_alive=False)
            self.client_gone(exchange)

    def length_stop(self, exchange: Exchange, last: bytes, output_tokens_max: int) -> None:
        """End a stream whose hold could not be extended; `last` is the end that its client reads.

        Posted is what was generated at most, with what was not seen yet.
        """
        report = exchange.cancel() or UNKNOWN_REPORT
        bound = bound_settlement(exchange, report, LENGTH_STOP, output_tokens_max=output_tokens_max)
        cascading = self._cascading
        if cascading is not None and cascading.takes_stopped(exchange, bound, report, last):
            return
        self.verdicts.well(exchange, served=True)
        self.settle(exchange, bound, report)
        exchange.write_stream_end(last)
        self.finish(exchange)

    def refuse(self, exchange: Exchange, refusal: Refusal, piece: Slice | None = None) -> None:
        """Refuse a call before its (next) attempt; `piece` is the window that is too small."""
        self._books.refuse(exchange, refusal, piece, self._now_ns())
        self.answer(exchange, refusal)

    # What they share.

    def settle(
        self, exchange: Exchange, settlement: Settlement, report: Report, *, final: bool = True
    ) -> int:
        """Post what an attempt cost, tell who learns of it; return when. `final`: none follows."""
        at_ns = self._now_ns()
        note = self._world.caching.settle(exchange, settlement, report)
        if exchange.path.expected:
            self._world.sizing.learn(exchange, settlement)
        if exchange.turn.minute is not None:
            exchange.turn.minute.settle(settlement, final=final)
        if exchange.turn.session is not None:
            self._world.sessions.settle(exchange, settlement, report)
        if self._world.appraisal is not None:
            self._world.appraisal.learn(exchange, settlement, at_ns)
        if self._cascading is not None:
            self._cascading.paid(exchange, settlement.amount_nanos)
        self._books.settle(
            exchange, settlement, report=report, at_ns=at_ns, final=final, cache=note
        )
        if exchange.run is not None and self._world.guards is not None:
            self._world.guards.spent(exchange, settlement.amount_nanos, at_ns)
        usage, prompt, measured = settlement.usage, exchange.prompt, settlement.state == "measured"
        if measured and usage is not None and prompt is not None and exchange.whose:
            self._pipeline.prefixes.learn(exchange.whose, prompt, usage.prompt_tokens)
        if exchange.dialect is self._kept_of:
            self._pipeline.attempts.made.note(exchange, report)
        self._leave_place(exchange, at_ns, served=True)
        return at_ns

    def leave_place(self, exchange: Exchange) -> None:
        """Give a call's place back, if it has one: it was not served there."""
        if exchange.turn.share is not None:
            self._leave_place(exchange, self._now_ns(), served=False)

    def _leave_place(self, exchange: Exchange, at_ns: int, *, served: bool) -> None:
        share = exchange.turn.share
        if share is not None:
            exchange.turn.share = None
            held_us = (at_ns - exchange.sent_ns) // 1_000
            now_ms = self._pipeline.coarse_ms
            exchange.target.places.give_back(share, held_us, now_ms, served=served)

    def answer(self, exchange: Exchange, refusal: Refusal) -> None:
        """End a call with a refusal; with the reply so far where a cascade has one."""
        if self._cascading is not None and self._cascading.saves(exchange):
            self.finish(exchange)
            return
        if exchange.headed:
            exchange.write_stream_end(exchange.dialect.render_stream_error(refusal, exchange.call))
        elif exchange.client is not None:
            exchange.client.write(replies.refusal(exchange, refusal))
        self.finish(exchange)

    def forget_body(self, exchange: Exchange) -> None:
        """The body is not needed any more: no other attempt will follow."""
        self._pipeline.unbuffer(exchange.request.body_bytes)
        exchange.request.body_bytes = 0
        exchange.request.parts.clear()
        exchange.body = exchange.outgoing = b""
        exchange.meant = None

    def finish(self, exchange: Exchange) -> None:
        """The call is over: nothing is held, no place is taken."""
        assert not exchange.held, exchange.call
        self.leave_place(exchange)
        exchange.phase = "done"
        if exchange.request.body_bytes:
            self.forget_body(exchange)
        if exchange.request.upload is not None:
            # Not before: a provider may begin to answer while a form is still being sent.
            exchange.request.upload.close()
        self._pipeline.exchanges.discard(exchange)
        if self._cascading is not None:
            self._cascading.drop(exchange)
        if exchange.turn.minute is not None:
            exchange.turn.minute.end()
        client, exchange.client = exchange.client, None
        if client is not None:
            client.done(keep_alive=exchange.request.head.keep_alive)


def _cancels(exchange: Exchange) -> bool:
    return exchange.target.pool.provider.on_disconnect == "cancel"
