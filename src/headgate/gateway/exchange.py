"""One call in flight: what is known of it, and what its upstream and client tell it.

The pipeline decides, step by step; the exchange keeps the state between the callbacks and
relays the reply. Whatever happens, an attempt that was held ends exactly once, in `_end`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from headgate.caches.prompt import Prompt
from headgate.capacity.limits import USED_UP
from headgate.capacity.shares import Share
from headgate.catalog.rates import RateCard
from headgate.dialects.json_array import JsonArray
from headgate.dialects.registry import Dialect, StreamReader
from headgate.dialects.sse import HEAD_BYTES_MAX, begins_readably, begins_whole
from headgate.dialects.translation.translated import Translated
from headgate.gateway import replies
from headgate.gateway.client.http_bytes import LAST_CHUNK, chunk
from headgate.gateway.client.request import Request
from headgate.gateway.client.tap import Tap
from headgate.gateway.turns import Turn
from headgate.governance.requirements import NOTHING
from headgate.ledger.purse import Short
from headgate.records.conversation import Call
from headgate.records.demand import NO_MEMBERS, Demand
from headgate.records.report import Report
from headgate.routing.candidate import Plan, Quoted
from headgate.routing.ranking import Ranking
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.approvals import Permission
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.interpreter import Saying
    from headgate.gateway.money.paths import SpendPath
    from headgate.gateway.money.sizing import Sized
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.connection import UpstreamConnection
    from headgate.gateway.upstream.target import Target

REPLY_BYTES_MAX: Final = 64 << 20
ERROR_BYTES_MAX: Final = 1 << 20


class Exchange:
    """One call in flight.

    Attributes:
        phase: Where it is: `read`, `claim`, `twin`, `approve`, `queue`, `money`, `renew`, `sync`,
            `connect`, `reply` (sent, nothing back yet), `body` (the reply has begun), `done`; those
            of `stages.py` while it waits for the next stage; `receive` while it is worked on.
        dialect: What the client speaks; `own` is its demand.
        spoken: What this attempt's target speaks: `dialect`, or a translation to another. The body
            to send there is `outgoing`, its demand `demand`; `lost` is what it leaves out.
        saying: The same for the attempt that comes next, until it begins.
        plan: Where else the call may go; None before it is routed, and once it is answered.
        unsaid: Why the call could not be said to some target, None when it could be to all.
        since_ms: Coarse time at which the phase began; the sweep compares.
        health_mark: What its attempt's outcome is told to the deployment's health with.
        upcoming: Where a call goes on whose attempt has just failed.
        spared: Candidates that were passed over for their breaker, not yet asked all the same.
        plan_over: Whether the plan has given all it had.
        held: Whether an attempt is held and not yet ended.
        begun: Whether the client has been sent a byte of an answer, or one is held back of it.
        headed: Whether its client has the head of a stream already, for it waited for a person.
        permission: What a person was asked about it, and said; None when nobody was asked.
        array: Says the stream as one JSON array, for who asked for that; None for events.
        prompt: The blocks of the client's body as caches compare them, None when it is short.
        meant: What a large body means to all dialects, None until that is read and for others.
        marked: Where its attempt's body got cache breakpoints, as JSON paths; `marked_turns`
            tells whether the conversation did, too.
        sized: How its attempt's hold was sized, None when it is held for its worst case.
        whose: Whose measured prefixes bound its attempt's prompt, 0 when none do.
        drained_since_ms: When the client went away, None while it is there.
    """

    __slots__ = (
        *("_endings", "_feed", "_parts", "_pipeline", "_reply_bytes", "_stream", "_unframed"),
        "array",
        *("asked", "attempt", "begun", "body", "call", "card", "client", "clock"),
        *("decision", "demand", "dialect"),
        "drained_since_ms",
        "first_byte_ns",
        "headed",
        "health_mark",
        *("held", "hold_nanos"),
        "input_tokens_max",
        "lost",
        "marked",
        "marked_turns",
        "meant",
        "number",
        "outgoing",
        "output_tokens_max",
        "own",
        "path",
        "permission",
        *("phase", "plan", "plan_over"),
        *("prompt", "request", "required", "run"),
        "saying",
        "sent_ns",
        "since_ms",
        "sized",
        "spared",
        "spoken",
        "status",
        "target",
        "turn",
        "unsaid",
        "upcoming",
        "upstream",
        "upstream_request_id",
        "whose",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        client: ClientConnection | None,
        request: Request,
        dialect: Dialect,
        call: str,
    ) -> None:
        self._pipeline, self._endings = pipeline, pipeline.endings
        self.client: ClientConnection | Tap | None = client
        self.request, self.dialect, self.call = request, dialect, call
        self.body = self.outgoing = b""
        self.own: Demand
        self.demand: Demand
        self.spoken: Dialect | Translated = dialect
        self.saying: Saying | None = None
        self.plan: Plan | None = None
        self.permission: Permission | None = None
        self.lost: tuple[str, ...] = ()
        self.unsaid: Refusal | None = None
        self.decision: Ranking
        self.path: SpendPath
        self.target: Target
        self.upcoming: Target
        self.card: RateCard | None = None
        self.sized: Sized | None = None
        self.prompt: Prompt | None = None
        self.meant: Call | None = None
        self.marked: tuple[str, ...] = ()
        self.run: str | None = None
        self.required = NOTHING
        self.upstream_request_id: str | None = None
        self.asked, self.attempt, self.phase = "", "", "receive"
        self.clock = pipeline.world.clock
        self.since_ms = self.clock.coarse_ms
        self.turn = Turn()
        self.held = self.begun = self.headed = False
        self.plan_over = self.marked_turns = self._unframed = False
        self.spared: tuple[Quoted, ...] = ()
        self.number = self.hold_nanos = self.input_tokens_max = self.output_tokens_max = 0
        self.status = self.sent_ns = self.first_byte_ns = self._reply_bytes = self.health_mark = 0
        self.whose = 0
        self.upstream: UpstreamConnection | None = None
        self.drained_since_ms: int | None = None
        self._stream: StreamReader | None = None
        self.array: JsonArray | None = None
        self._feed: Callable[[bytes], bytes] | None = None
        self._parts: list[bytes] = []

    def take_facts(self, upstream: UpstreamConnection) -> None:
        """Note what the reply's head says, for the record."""
        self.status = upstream.status
        request_id = upstream.request_id
        if request_id is not None:
            self.upstream_request_id = request_id[:128].decode("latin-1")
        if upstream.passed and upstream.passed.find(USED_UP) >= 0:
            self._endings.verdicts.learn(self, upstream, denied=False)

    def enter(self, phase: str) -> None:
        """Begin a phase."""
        self.phase = phase
        self.since_ms = self.clock.coarse_ms

    # told by capacity and the purse

    def on_place(self, share: Share | None) -> None:
        """A place is free, or the wait for one is over."""
        self.phase, self.turn.share = "receive", share
        self._pipeline.on_place(self)

    def on_money(self, short: Short | str | None) -> None:
        """The hold is made, or a window is too small, or the ledger does not answer."""
        self.phase = "receive"
        self._pipeline.on_money(self, short)

    # told by the pool

    def connected(self, upstream: UpstreamConnection) -> None:
        """A fresh connection is open."""
        if self.phase != "connect":
            # Given up meanwhile; the connection is as good for the next call.
            upstream.give_back()
            return
        self._pipeline.send(self, upstream)

    def unreachable(self, reason: str) -> None:
        """No connection could be opened, or none was accepted: certainly no byte was read there."""
        if self.phase in ("connect", "reply"):
            self._endings.not_sent(self, reason)

    # told by the upstream connection

    def reply_begins(self, upstream: UpstreamConnection) -> None:
        """The head of the reply is here."""
        self.enter("body")
        self.first_byte_ns = self._pipeline.now_ns()
        self._parts.clear()
        self._reply_bytes = 0
        self.take_facts(upstream)
        if upstream.status == 200 and upstream.content_type.startswith(b"text/event-stream"):
            if upstream.content_encoding not in (b"", b"identity"):
                # We asked for none; what cannot be read cannot be metered.
                self._let_go()
                self._endings.broken(self, "encoded_stream")
                return
            strip = self.own.stream and not self.own.usage_wanted
            self._stream = self.spoken.Stream(strip)
            self.array = replies.array_of(self.request)

    def reply_goes_on(self, payload: bytes) -> None:
        """A read brought a piece of the reply's body."""
        feed = self._feed
        if feed is None:
            if self._stream is None:
                self._keep(payload)
            else:
                self._begin_stream(self._stream, payload)
            return
        data = feed(payload)
        client = self.client
        if data and client is not None:
            client.write(data if self._unframed else b"%x\r\n%b\r\n" % (len(data), data))

    def _keep(self, payload: bytes) -> None:
        self._parts.append(payload)
        self._reply_bytes += len(payload)
        upstream = self.upstream
        assert upstream is not None
        limit = REPLY_BYTES_MAX if upstream.status == 200 else ERROR_BYTES_MAX
        if self._reply_bytes > limit:
            self._let_go()
            self._endings.broken(self, "reply_too_large")

    def _begin_stream(self, stream: StreamReader, payload: bytes) -> None:
        """The first event: an error there may be retried, everything else goes to the client.

        Until it is whole nothing is sent on, comments neither: the call may still go elsewhere.
        """
        if self._parts:
            payload = b"".join((*self._parts, payload))
            self._parts = []
        if not begins_whole(payload) and len(payload) < HEAD_BYTES_MAX:
            self._parts.append(payload)
            return
        if self.spoken.starts_with_error(payload):
            self._stream = None
            self._parts.append(payload)
            return
        if not begins_readably(payload, told=isinstance(self.spoken, Translated)):
            # No dialect has such an event: whoever sends it is not the provider we asked.
            self._stream = None
            self._let_go()
            self._endings.broken(self, "reply_unreadable")
            return
        sized = self.sized
        feed = stream.feed if sized is None else sized.watch(self._pipeline, self, stream)
        cascading = self._pipeline.cascading
        hearing = None if cascading is None else cascading.hears(self, feed)
        feed = feed if hearing is None else hearing.feed
        withheld = hearing is not None and hearing.withholds
        feed = feed if self.array is None else self.array.around(feed)
        data = feed(payload)
        if not data and not withheld:
            return
        self.begun = True
        self._feed = feed
        self._unframed = self.request.head.http10
        if withheld:
            return
        if self.client is not None:
            head = b"" if self.headed else replies.begun_stream_head(self, stream.head_report)
            self.client.write(head + (data if self.request.head.http10 else chunk(data)))
            if self.client.paused:
                self.pause()
        self._endings.forget_body(self)
        self.plan = None
        # What was decoded of the body would keep it in memory while the stream lasts.
        own, spoken = self.own, self.demand
        self.own = self.demand = replace(own, members=NO_MEMBERS)
        if spoken is not own:
            self.demand = replace(spoken, members=NO_MEMBERS)

    def reply_whole(self, upstream: UpstreamConnection) -> None:
        """The reply is whole by its framing: end it, now or in its stage."""
        if upstream.status == 200 and self._stream is None:
            self._pipeline.stages.reply(self, upstream)
        else:
            upstream.end()

    def read_reply(self) -> Report:
        """Return what a whole reply says of itself."""
        return self.spoken.report(b"".join(self._parts))

    def reply_ends(self, upstream: UpstreamConnection, report: Report | None = None) -> None:
        """The reply is over; `report` is what it says of itself, where that was read already."""
        self.upstream = None
        stream, self._stream, self._feed = self._stream, None, None
        if stream is not None:
            self._end_stream(stream)
            return
        body = b"".join(self._parts)
        self._parts.clear()
        streamed_error = upstream.status == 200 and upstream.content_type.startswith(b"text/event")
        if upstream.status == 200 and not streamed_error:
            self._endings.served(self, upstream, body, report or self.spoken.report(body))
        else:
            self._endings.failed(self, upstream, body)

    def _end_stream(self, stream: StreamReader) -> None:
        rest = stream.flush()
        report = stream.finish()
        if not self.begun:
            # A stream without a single event.
            self._endings.broken(self, "empty_stream")
            return
        self._endings.stream_ended(self, report, rest)

    def upstream_lost(self, upstream: UpstreamConnection) -> None:
        """The connection broke before the reply was whole."""
        self.upstream = None
        stream, self._stream, self._feed = self._stream, None, None
        if stream is not None and self.begun:
            self._break_off(stream, upstream.fault)
        elif self.phase == "reply" and upstream.reused:
            self._endings.broken(self, "closed_before_reply")
        else:
            self._endings.broken(self, upstream.fault)

    # told by the client

    def client_gone(self) -> None:
        """The client went away; what may have cost money is seen to its end."""
        client = self.client
        self.client = client.leave() if isinstance(client, Tap) else None
        self._endings.client_gone(self)

    def pause(self) -> None:
        """The client reads too slowly."""
        if self.upstream is not None:
            self.upstream.pause()

    def resume(self) -> None:
        """The client has caught up."""
        if self.upstream is not None:
            self.upstream.resume()

    # what the pipeline uses

    def timed_out(self, reason: str) -> None:
        """Give up on the provider: too long nothing came."""
        stream, self._stream, self._feed = self._stream, None, None
        self._let_go()
        if stream is not None and self.begun:
            self._break_off(stream, reason)
        else:
            self._endings.broken(self, reason)

    def _break_off(self, stream: StreamReader, reason: str) -> None:
        """End a stream whose bytes did not end in order; it may have said its last all the same."""
        report = stream.finish()
        rest = stream.flush() if report.complete and not report.errored else b""
        self._endings.stream_ended(self, report, rest, reason)

    def cancel(self) -> Report | None:
        """Close the upstream in the middle of a reply; what was read so far, if it was a stream."""
        stream, self._stream, self._feed = self._stream, None, None
        self._let_go()
        return stream.finish() if stream is not None else None

    def _let_go(self) -> None:
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abort()

    def write_stream_end(self, data: bytes) -> None:
        """Send the last bytes of a stream and its end."""
        if self.client is not None:
            data = data if self.array is None else self.array.end(data)
            framed = (chunk(data) if data else b"") + LAST_CHUNK
            self.client.write(data if self.request.head.http10 else framed)
