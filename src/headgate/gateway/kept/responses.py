"""Our own cache of responses: a call that asks for just what another did gets its reply again.

Only on routes that say so, only among the calls of one principal or team, and only replies that
ended in order and whose cost was measured. A reply that is given again costs nothing and holds
nothing; the books have an attempt for it all the same, which names the call it was made for and
what that one cost. It is the worker's own memory: nothing of it is on a disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.caches.replies import Replies, Reply
from headgate.gateway import replies
from headgate.gateway.client.http_bytes import with_lines
from headgate.gateway.client.tap import Tap
from headgate.gateway.kept.recorder import kept
from headgate.gateway.readings import RECEIVED
from headgate.gateway.settings import ResponseCache
from headgate.records.charge import Settlement
from headgate.records.journal import CacheNote
from headgate.records.report import Report
from headgate.units.ids import attempt_id
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

USE, REFRESH = b"use", b"refresh"
"""What a client may say in `x-headgate-cache`; anything else is `bypass`."""
HIT: Final = b"x-headgate-cache: hit\r\n"
MISS: Final = b"x-headgate-cache: miss\r\n"
BYPASS: Final = b"x-headgate-cache: bypass\r\n"
TWIN: Final = "twin"
"""The phase of a call that waits for one that asks the same."""
HEAD_BYTES: Final = 4_096
"""What a reply's head may come to beside its body; the framing of small chunks doubles that."""
TAPPED_BYTES_MAX: Final = 64 << 20
"""Of replies being taken down, together; what is beyond is not kept."""
SECONDS_PER_DAY: Final = 86_400
OWN: Final = b"x-headgate-"
STILL_TRUE: Final = (b"x-headgate-model", b"x-headgate-lost", b"x-headgate-reply-lost")
"""Of our own header lines those that tell of the reply, not of the call it was made for."""
THEIRS: Final = (b"x-request-id", b"request-id", b"x-client-request-id")
"""What names another's request."""


def responses_of(pipeline: Pipeline) -> Responses | None:
    """Return a worker's cache of responses, None when no route keeps any."""
    settings = pipeline.world.response_cache
    return None if settings is None else Responses(pipeline, settings)


class Responses:
    """Gives replies again, and has those kept that come.

    Attributes:
        purges: How often all were forgotten; what was begun before is not kept afterwards.
    """

    def __init__(self, pipeline: Pipeline, settings: ResponseCache) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._settings = settings
        self._replies = Replies(settings.bytes_max)
        self._tapped_bytes = 0
        self._purged_ns = -1
        self.purges = 0
        self._running: dict[bytes, list[Exchange]] = {}

    def answer(self, exchange: Exchange, now_ns: int) -> bool:
        """Answer a call from the cache; False when it has to be made. See that it is kept then."""
        head, keeps = exchange.request.head, self._world.router.keeps(exchange.asked)
        if keeps == "never" or (keeps == "asked" and head.cache is None):
            return False
        client = exchange.client
        if client is None or isinstance(client, Tap):
            # A call with an idempotency key has a memory of its own.
            return False
        key = self._key(exchange) if self._may_keep(exchange) else None
        if key is None:
            exchange.client = Stamp(self, exchange, client, BYPASS, None)
            return False
        found = None if head.cache == REFRESH else self._replies.find(key, now_ns)
        if found is not None and self._holds_still(exchange, found, now_ns):
            self._give(exchange, found, now_ns)
            return True
        if self._settings.wait_max_ms and head.cache != REFRESH and self._waits(exchange, key):
            return True
        exchange.client = Stamp(self, exchange, client, MISS, key)
        return False

    # Calls that ask the same at the same time.

    def _waits(self, exchange: Exchange, key: bytes) -> bool:
        """Have a call wait for one that asks the same; False when it is the one, or has waited."""
        twins = self._running.get(key)
        if twins is None:
            self._running[key] = []
        elif exchange.phase != TWIN:
            exchange.enter(TWIN)
            twins.append(exchange)
            return True
        return False

    def over(self, key: bytes) -> None:
        """A call is over that others may wait for: each gets its reply, or is made after all."""
        for twin in self._running.pop(key, ()):
            self._go(twin)

    def sweep(self, now_ms: int) -> None:
        """Have calls made that have waited too long for another, each in a turn of its own."""
        for twins in list(self._running.values()):
            late = [each for each in twins if each.since_ms < now_ms - self._settings.wait_max_ms]
            # They stand in the order in which they came.
            del twins[: len(late)]
            for twin in late:
                self._world.outbox.soon(partial(self._go, twin))

    def _go(self, twin: Exchange) -> None:
        """Have a call made that has waited; its phase says so until it is."""
        if twin.phase != TWIN:
            return
        has_gone = False
        try:
            self._pipeline.go(twin)
            has_gone = True
        finally:
            if not has_gone and twin.phase == TWIN:
                # A bug of ours: the sweep ends the call.
                twin.phase = RECEIVED

    def purge(self, purged_ns: int) -> None:
        """Forget all replies, when somebody has said so since the last look.

        Args:
            purged_ns: When that was said last; 0 for never.
        """
        if purged_ns != self._purged_ns:
            self._replies.clear()
            self.purges += 1
        self._purged_ns = purged_ns

    # What may be kept, and as what.

    def _may_keep(self, exchange: Exchange) -> bool:
        said, demand = exchange.request.head.cache, exchange.own
        if said not in (None, USE, REFRESH) or exchange.request.upload is not None:
            return False
        if demand.free or demand.thread or demand.unbounded is not None:
            # It costs nothing, or leaves something behind at the provider.
            return False
        if demand.input_tokens_max is None:
            # Part of the prompt lies elsewhere, and may be another next time.
            return False
        cascading = self._pipeline.cascading
        if cascading is not None and cascading.runs.of(exchange) is not None:
            # Such a policy learns from every call, and what it cost is more than one attempt.
            return False
        if demand.tools and said is None:
            # Who gets a reply again does again what it says.
            return False
        days = [each.retention_days_max for each in exchange.required.requirements]
        ttl_s = self._settings.ttl_s
        return all(most is None or ttl_s <= most * SECONDS_PER_DAY for most in days)

    def _key(self, exchange: Exchange) -> bytes | None:
        """Return what a call asks for, of whom and for whom, as a digest; None when unreadable."""
        try:
            # Blanks between tokens aside, byte for byte: the order of keys matters to models.
            body = msgspec.json.format(exchange.body, indent=-1)
        except (msgspec.DecodeError, RecursionError):
            return None
        digest = hashlib.blake2b(digest_size=32)
        for part in self._parts(exchange, body):
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.digest()

    def _parts(self, exchange: Exchange, body: bytes) -> Iterator[bytes]:
        request, required = exchange.request, exchange.required
        credential = request.credential
        assert credential is not None, exchange.call
        owner = credential.team if self._settings.shared == "team" else credential.principal
        yield owner.encode()
        agents = () if credential.delegation is None else credential.delegation.names
        yield b"" if self._settings.shared == "team" else "/".join(agents).encode()
        yield exchange.asked.encode()
        yield b"%b %d" % (request.head.path, replies.array_of(request) is not None)
        # With another set of deployments, or other rules for them, it is another question.
        yield " ".join(each.id for each in self._world.router.candidates(exchange.asked)).encode()
        yield " ".join((str(required.data_class), *required.ids)).encode()
        wanted = exchange.dialect.FORWARDED
        for name, value in sorted(request.head.forwarded):
            if name in wanted and name not in THEIRS:
                yield b"%b: %b" % (name, value)
        yield body

    def _holds_still(self, exchange: Exchange, found: Reply, now_ns: int) -> bool:
        """Tell whether what was kept may be given: its deployment could still be asked."""
        target = self._world.targets[found.deployment]
        if not self._pipeline.frozen.isdisjoint(target.nodes) or not self._world.books.has_room():
            return False
        return exchange.required.violation(target.deployment, now_ns) is None

    # Giving and keeping.

    def _give(self, exchange: Exchange, found: Reply, now_ns: int) -> None:
        """Answer with a kept reply, and write that down as an attempt that cost nothing."""
        books = self._world.books
        exchange.target = self._world.targets[found.deployment]
        exchange.path = exchange.path.unpaid()
        exchange.sent_ns, exchange.status = now_ns, 200
        exchange.number += 1
        exchange.attempt = attempt_id(exchange.call, exchange.number)
        books.hold(exchange, now_ns)
        note = CacheNote(saved_nanos=found.cost_nanos, given_from=found.call)
        settlement = Settlement(0, "measured")
        books.settle(exchange, settlement, report=Report(), at_ns=now_ns, final=True, cache=note)
        lines = HIT + replies.facts(exchange, None, 0) + found.lines
        assert exchange.client is not None, exchange.call
        exchange.client.write(replies.reply(exchange, 200, found.content_type, lines, found.body))
        self._pipeline.endings.finish(exchange)

    def keep(self, exchange: Exchange, key: bytes, data: bytes, cost_nanos: int) -> None:
        """Keep a whole reply that was written to a client, unless it is too long."""
        reply = kept(data)
        if len(reply.body) > self._settings.reply_bytes_max or _is_shortened(exchange):
            return
        until_ns = self._pipeline.now_ns() + self._settings.ttl_s * NANOS_PER_SECOND
        content_type, lines = reply.content_type.encode("latin-1"), _of_reply(reply.lines)
        made_by = exchange.target.deployment.id
        entry = Reply(exchange.call, made_by, content_type, lines, reply.body, cost_nanos, until_ns)
        self._replies.keep(key, entry)

    def record(self, size: int, whole_size: int) -> bool:
        """Account for bytes that are taken down; False when they, or all of them, are too many."""
        self._tapped_bytes += size
        fits = whole_size <= 2 * self._settings.reply_bytes_max + HEAD_BYTES
        return fits and self._tapped_bytes <= TAPPED_BYTES_MAX

    def forget(self, size: int) -> None:
        """Bytes that were taken down are free again."""
        self._tapped_bytes -= size


class Stamp(Tap):
    """What a call of a route that keeps replies writes to in place of its client.

    Args:
        responses: Where the reply is kept.
        exchange: The call.
        client: Who gets it first.
        line: The header line that it gets beside.
        key: What it is kept under; None for not at all.
    """

    __slots__ = ("_exchange", "_key", "_line", "_purges", "_responses")

    def __init__(
        self,
        responses: Responses,
        exchange: Exchange,
        client: ClientConnection,
        line: bytes,
        key: bytes | None,
    ) -> None:
        super().__init__(client, keeping=key is not None)
        self._responses = responses
        self._exchange: Exchange | None = exchange
        self._line = line
        self._key = key
        self._purges = responses.purges

    def write(self, data: bytes) -> None:
        """Send bytes to the client, the first of them with the header line."""
        line, self._line = self._line, b""
        super().write(with_lines(data, line))

    def ends(self, settlement: Settlement, *, whole: bool) -> None:
        """The attempt that answers is settled: what nobody has measured is not kept."""
        super().ends(settlement, whole=whole and settlement.state == "measured")

    def follow(self, exchange: Exchange) -> None:
        """Another attempt of the call answers, which ran beside the first one."""
        super().follow(exchange)
        self._exchange = exchange

    def leave(self) -> Tap | None:
        """The client went away, and with it who the reply was for."""
        self._exchange = None
        self._drop()
        self._let_go()
        return None

    def done(self, *, keep_alive: bool) -> None:
        """The reply is written, or there will be none."""
        exchange, self._exchange = self._exchange, None
        fresh = self._purges == self._responses.purges
        if self.whole and self._keeping and fresh and exchange is not None and self._key:
            data = b"".join(self._parts)
            self._responses.keep(exchange, self._key, data, self.posted_nanos)
        self._drop()
        if self._client is not None:
            self._client.done(keep_alive=keep_alive)
        self._let_go()

    def _let_go(self) -> None:
        key, self._key = self._key, None
        if key is not None:
            self._responses.over(key)

    def _record(self, size: int) -> bool:
        return self._responses.record(size, self._size)

    def _forget(self, size: int) -> None:
        self._responses.forget(size)


def _is_shortened(exchange: Exchange) -> bool:
    """Tell whether a tight budget has made an answer shorter than what was asked for."""
    wanted, deployment = exchange.own.output_tokens_max, exchange.target.deployment
    wanted = deployment.output_tokens_default if wanted is None else wanted
    most = min(wanted, deployment.output_tokens_max)
    return exchange.own.pieces is None and exchange.output_tokens_max < most


def _of_reply(lines: str) -> bytes:
    """Return the header lines that tell of a reply, whoever gets it."""
    left = b""
    for line in lines.encode("latin-1").splitlines(keepends=True):
        name = line.partition(b":")[0].lower()
        if name not in THEIRS and (name in STILL_TRUE or not name.startswith(OWN)):
            left += line
    return left
