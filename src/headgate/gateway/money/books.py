"""The worker's books: every movement of a call's money, in the purse and in the journal.

The journal comes first, always: a hold is written before its first upstream byte, an end before
its money is free again. So whoever reads the journal after a crash sees at least what was held.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from headgate.gateway.money.numbers import Numbers
from headgate.ledger import slices
from headgate.ledger.slices import Slice
from headgate.records.charge import REPORTED, Settlement
from headgate.records.journal import (
    CacheNote,
    CallerRecord,
    ExtendRecord,
    HoldRecord,
    RefusalRecord,
    RouteRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.records.priority import PRIORITIES
from headgate.records.report import Report
from headgate.store.journal_writer import JournalWriter
from headgate.units.errors import Refusal
from headgate.units.ids import is_run

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.money.paths import SpendPath
    from headgate.identity.directory import Credential

TTFT_KEPT: Final = 4_096
NAMED_MAX: Final = 4_096

TEXT_CHARS_MAX: Final = 128
"""Of a provider's words in a record: the room that a hold reserves for its end must suffice."""


_NO_USAGE: Final[dict[str, int]] = {}
_BY_WORKER: Final = "worker"

_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Named:
    """The caller that a key was the last time, so that it need not be put together to be found.

    Paths are kept for as long as they are good, so a caller is another one when its path is.
    """

    __slots__ = ("credential", "number", "path", "run")

    def __init__(
        self, credential: Credential, path: SpendPath, run: str | None, number: int
    ) -> None:
        self.credential, self.path, self.run, self.number = credential, path, run, number


class Way:
    """The route by which a deployment was reached the last time, likewise."""

    __slots__ = ("asked", "dialect", "number", "via")

    def __init__(self, asked: str, dialect: str, via: str | None, number: int) -> None:
        self.asked, self.dialect, self.via, self.number = asked, dialect, via, number


class Books:
    """Writes the journal for the pipeline.

    Attributes:
        ttft_us: The latest times to first byte, for the health page.
    """

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._callers = Numbers()
        self._named: dict[str, Named] = {}
        self._routes = Numbers()
        self._ways: dict[str, Way] = {}
        self.ttft_us: deque[int] = deque(maxlen=TTFT_KEPT)

    def has_room(self) -> bool:
        """Tell whether one more hold and its end fit into the journal."""
        return self._journal.has_room()

    def hold(self, exchange: Exchange, at_ns: int) -> None:
        """Write the hold of an attempt, which the purse has made already."""
        assert not exchange.held
        exchange.held = True
        self._journal.holds_open += 1
        demand, sized = exchange.demand, exchange.sized
        # By position, as it is twice as fast: the order is that of the record's fields.
        self._journal.append(
            HoldRecord(
                exchange.attempt,
                at_ns,
                exchange.hold_nanos,
                self._caller(exchange),
                self._route(exchange),
                exchange.decision.number,
                exchange.input_tokens_max,
                exchange.output_tokens_max,
                demand.choices,
                demand.stream,
                exchange.lost,
                PRIORITIES[exchange.turn.rank],
                exchange.turn.waited_us,
                _session(exchange),
                None if sized is None else sized.note,
                _request_id(exchange.request.head.request_id),
            )
        )

    def extend(self, exchange: Exchange, amount_nanos: int, at_ns: int) -> None:
        """Write that a hold grows, which the purse has made grow already."""
        assert exchange.held
        self._journal.append(ExtendRecord(exchange.attempt, at_ns, amount_nanos))
        exchange.hold_nanos += amount_nanos

    def _caller(self, exchange: Exchange) -> int:
        """Return the number of who asks, named before when it is new."""
        credential, path, run = exchange.request.credential, exchange.path, exchange.run
        assert credential is not None
        named = self._named.get(credential.key)
        if (
            named is not None
            and named.path is path
            and named.credential is credential
            and named.run == run
            and self._callers.remembers(named.number)
        ):
            return named.number
        principal, team, key = credential.principal, credential.team, credential.key
        windows, chain, above = path.windows, path.chain, path.above
        caller = (principal, team, key, windows, run, chain, above, path.tags, path.waived)
        number = self._callers.find(caller)
        if not number:
            # Written, then remembered: no hold may refer to what the journal has not.
            self._journal.append(CallerRecord(self._callers.last + 1, *caller))
            number = self._callers.give(caller)
        if len(self._named) >= NAMED_MAX:
            self._named.clear()
        self._named[key] = Named(credential, path, run, number)
        return number

    def _route(self, exchange: Exchange) -> int:
        """Return the number of where an attempt goes, named before when it is new."""
        deployment, dialect = exchange.target.deployment.id, exchange.dialect.KIND
        via = None if exchange.spoken is exchange.dialect else exchange.spoken.KIND
        way = self._ways.get(deployment)
        if (
            way is not None
            and way.asked == exchange.asked
            and way.dialect == dialect
            and way.via == via
            and self._routes.remembers(way.number)
        ):
            return way.number
        route = (exchange.asked, deployment, dialect, via)
        number = self._routes.find(route)
        if not number:
            self._journal.append(RouteRecord(self._routes.last + 1, *route))
            number = self._routes.give(route)
        self._ways[deployment] = Way(exchange.asked, dialect, via, number)
        return number

    def settle(
        self,
        exchange: Exchange,
        settlement: Settlement,
        *,
        report: Report,
        at_ns: int,
        final: bool,
        cache: CacheNote | None = None,
    ) -> None:
        """Post what an attempt cost and free the rest of its hold."""
        assert exchange.held
        usage = settlement.usage
        lines = () if settlement.charge is None else settlement.charge.lines
        if lines and lines[0].meter != REPORTED:
            usage = None  # The lines have it.
        ttft_us = None
        if exchange.first_byte_ns:
            ttft_us = (exchange.first_byte_ns - exchange.sent_ns) // 1_000
            self.ttft_us.append(ttft_us)
        self._journal.append(
            SettleRecord(
                exchange.attempt,
                at_ns,
                settlement.amount_nanos,
                settlement.state,
                lines,
                _NO_USAGE if usage is None else usage.quantities(),
                _clip(report.served_model),
                _clip(report.upstream_id),
                exchange.upstream_request_id,
                exchange.status,
                settlement.reason,
                ttft_us,
                (at_ns - exchange.sent_ns) // 1_000,
                final,
                _BY_WORKER,
                settlement.reported_nanos,
                cache,
                settlement.quarantined,
                _trace(exchange.request.head.traceparent),
            )
        )
        # Not before: what the journal did not take has not ended, and the sweep tries it again.
        exchange.held = False
        self._journal.holds_open -= 1
        slices.settle(exchange.path.slices, exchange.hold_nanos, settlement.amount_nanos)

    def void(self, exchange: Exchange, reason: str, *, at_ns: int, final: bool) -> None:
        """Free a hold of which certainly no byte reached the provider."""
        assert exchange.held
        trace = _trace(exchange.request.head.traceparent)
        self._journal.append(VoidRecord(exchange.attempt, at_ns, reason, final, trace))
        exchange.held = False
        self._journal.holds_open -= 1
        slices.void(exchange.path.slices, exchange.hold_nanos)

    def refuse(self, exchange: Exchange, refusal: Refusal, piece: Slice | None, at_ns: int) -> None:
        """Write down that an identified caller was refused before any attempt."""
        credential = exchange.request.credential
        if credential is None or not self._journal.has_room():
            # Strangers are counted elsewhere: they may not fill our disk.
            return
        self._journal.append(
            RefusalRecord(
                call=exchange.call,
                at_ns=at_ns,
                principal=credential.principal,
                team=credential.team,
                key=credential.key,
                asked=exchange.asked[:128],
                code=refusal.code.code,
                message=refusal.message[:500],
                budget=None if piece is None else piece.budget,
                run=exchange.run,
                chain=() if credential.delegation is None else credential.delegation.chain,
            )
        )


def _clip(text: str | None) -> str | None:
    return text if text is None or len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX]


def _trace(told: bytes | None) -> str | None:
    """Return the span a client calls in as it is written down, None when it says it wrongly."""
    if told is None or _TRACEPARENT.fullmatch(told) is None:
        return None
    return told.decode("ascii")


def _request_id(told: bytes | None) -> str | None:
    return None if told is None else told.decode("ascii")


def _session(exchange: Exchange) -> str | None:
    """Return a session as it is written down: a name; other texts are only compared.

    One that its client does not name has one where calls are routed by sessions.
    """
    told = exchange.request.head.session
    if told is None:
        call = exchange.turn.session
        return None if call is None else call.name
    name = told.decode("latin-1")
    return name if is_run(name) else None
