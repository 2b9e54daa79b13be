"""Calls with an idempotency key, as a worker meets them: claimed before they are executed.

The steward decides, since a repeat may come to another worker, or after this one died. A call
without a key comes by here not at all.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.gateway import replies
from headgate.gateway.client.tap import Tap
from headgate.gateway.kept.recorder import Recorder
from headgate.gateway.refusals import UNCLAIMED, why_not_again
from headgate.ledger.repeats import Ruling
from headgate.records.control import REPEATS, ControlReply, ControlRequest
from headgate.records.repeats import Claim, Kept, Over, Verdict
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import is_idempotency_key

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

CLAIM: Final = "claim"
"""The phase of a call whose key is being claimed."""

RECORDED_BYTES_MAX: Final = 64 << 20
"""Of replies being taken down or told to the steward, together; what is beyond is not kept."""

HEAD_BYTES: Final = 4_096
"""What a reply's head may come to beside its body; the framing of small chunks doubles that."""

TOLD_AT_ONCE: Final = 32
"""How much of what the steward has not taken down is told again in a sweep."""

KEY_INVALID: Final = Refusal(
    errors.IDEMPOTENCY_KEY_INVALID,
    "An idempotency key is 1 to 255 printable ASCII characters without blanks.",
    "idempotency-key",
)

REPLAYED: Final = b"x-headgate-replayed: true\r\n"

_decode = msgspec.json.Decoder(Verdict).decode


class Repeats:
    """Claims keys for calls, and says when they are over.

    Attributes:
        keeping: Whether replies are kept.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        self._settings = pipeline.world.idempotency
        self.keeping = self._settings.keep
        self._recorded_bytes = 0
        self._untold: list[Over] = []

    def claim(self, exchange: Exchange) -> Refusal | None:
        """Claim a call's key; the call waits for the steward, or is refused here and now."""
        head, credential = exchange.request.head, exchange.request.credential
        assert head.idempotency_key is not None
        assert credential is not None
        key = head.idempotency_key.decode("latin-1")
        if not is_idempotency_key(key):
            return KEY_INVALID
        delegation = credential.delegation
        agents = () if delegation is None else delegation.names
        claim = Claim(
            "/".join((credential.principal, *agents)),
            key,
            _fingerprint(exchange),
            exchange.call,
            self._world.journal.name,
            head.retry_unknown,
        )

        def answered(reply: ControlReply | None) -> None:
            self._answered(exchange, claim, reply)

        exchange.enter(CLAIM)
        asked = _request("PUT", claim, claim)
        return None if self._world.control.send(asked, answered) else UNCLAIMED

    def _answered(self, exchange: Exchange, claim: Claim, reply: ControlReply | None) -> None:
        """Act on what the steward rules; the client may have gone meanwhile."""
        waits = exchange.phase == CLAIM
        if reply is None or reply.code is not None:
            if reply is None:
                # It may have been written down all the same.
                self._give_up(claim)
            if waits:
                self._pipeline.endings.refuse(exchange, UNCLAIMED)
            return
        verdict = _decode(reply.body)
        if verdict.ruling == Ruling.GO.value:
            if not waits:
                self._give_up(claim)
                return
            client = exchange.client
            assert client is not None, exchange.call
            assert not isinstance(client, Tap), exchange.call
            exchange.client = Recorder(self, exchange, client, claim)
            self._pipeline.go(exchange)
        elif waits and verdict.kept is not None:
            self._replay(exchange, verdict.kept)
        elif waits:
            self._pipeline.endings.refuse(exchange, why_not_again(verdict))

    def _give_up(self, claim: Claim) -> None:
        self._tell(Over(claim.owner, claim.key, claim.call, sent=False, whole=False))

    def _replay(self, exchange: Exchange, kept: Kept) -> None:
        assert exchange.client is not None
        lines = replies.passed_on(exchange, kept.lines.encode("latin-1")) + REPLAYED
        content_type = kept.content_type.encode("latin-1")
        exchange.client.write(replies.reply(exchange, kept.status, content_type, lines, kept.body))
        self._pipeline.endings.finish(exchange)

    # What a recorder tells.

    def record(self, size: int, whole_size: int) -> bool:
        """Account for bytes that are taken down; False when they, or all of them, are too many."""
        self._recorded_bytes += size
        fits = whole_size <= 2 * self._settings.reply_bytes_max + HEAD_BYTES
        return fits and self._recorded_bytes <= RECORDED_BYTES_MAX

    def forget(self, size: int) -> None:
        """Bytes that were taken down are free again."""
        self._recorded_bytes -= size

    def over(self, recorder: Recorder, kept: Kept | None, *, sent: bool) -> None:
        """A call is over: say so, with its reply if it may be kept."""
        claim = recorder.claim
        if kept is not None and not self._fits(len(kept.body)):
            kept = None
        self._recorded_bytes += 0 if kept is None else len(kept.body)
        self._tell(Over(claim.owner, claim.key, claim.call, sent, recorder.whole, kept))

    # What the steward is told, now or when it is back.

    def _fits(self, size: int) -> bool:
        room = RECORDED_BYTES_MAX - self._recorded_bytes
        return size <= min(self._settings.reply_bytes_max, room)

    def _tell(self, over: Over) -> None:
        def answered(reply: ControlReply | None) -> None:
            if reply is None or reply.code is not None:
                self._untold.append(over)
            elif over.kept is not None:
                self._recorded_bytes -= len(over.kept.body)

        if not self._world.control.send(_request("DELETE", over, over), answered):
            self._untold.append(over)

    def flush(self) -> None:
        """Tell again what the steward has not taken down."""
        if self._untold and self._world.ready():
            untold, self._untold = self._untold[:TOLD_AT_ONCE], self._untold[TOLD_AT_ONCE:]
            for over in untold:
                self._tell(over)


def _request(method: str, body: Claim | Over, whose: Claim | Over) -> ControlRequest:
    text = msgspec.json.encode(body).decode()
    return ControlRequest(method, REPEATS, whose.call, whose.owner, "", "", body=text)


def _fingerprint(exchange: Exchange) -> str:
    """Return what a call asks for, as a digest: method, path, model and body."""
    head = exchange.request.head
    return digest_of(head.method, head.path, exchange.asked.encode(), exchange.body)


def digest_of(*parts: bytes) -> str:
    """Return a digest of what is asked for, hexadecimal: other parts have another."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
