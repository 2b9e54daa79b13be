"""The worker's books: every movement of a call's money, in the purse and in the journal.

The journal comes first, always: a hold is written before its first upstream byte, an end before
its money is free again. So whoever reads the journal after a crash sees at least what was held.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from headgate.ledger import slices
from headgate.ledger.slices import Slice
from headgate.records.charge import Charge
from headgate.records.journal import (
    HoldRecord,
    LineRecord,
    RefusalRecord,
    SettleRecord,
    State,
    VoidRecord,
)
from headgate.records.report import Report
from headgate.store.journal_writer import JournalWriter
from headgate.units.errors import Refusal
from headgate.units.usage import Usage

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

TTFT_KEPT = 4_096


class Settlement(NamedTuple):
    """What an attempt is posted at, and why.

    Attributes:
        reason: None for a plain success.
    """

    amount_nanos: int
    state: State
    charge: Charge | None = None
    usage: Usage | None = None
    reason: str | None = None


class Books:
    """Writes the journal for the pipeline.

    Attributes:
        ttft_us: The latest times to first byte, for the health page.
    """

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self.ttft_us: deque[int] = deque(maxlen=TTFT_KEPT)

    def has_room(self) -> bool:
        """Tell whether one more hold and its end fit into the journal."""
        return self._journal.has_room()

    def hold(self, exchange: Exchange, at_ns: int) -> None:
        """Write the hold of an attempt, which the purse has made already."""
        credential = exchange.request.credential
        assert credential is not None
        assert not exchange.held
        exchange.held = True
        self._journal.holds_open += 1
        self._journal.append(
            HoldRecord(
                attempt=exchange.attempt,
                call=exchange.call,
                at_ns=at_ns,
                amount_nanos=exchange.hold_nanos,
                windows=exchange.path.windows,
                principal=credential.principal,
                team=credential.team,
                key=credential.key,
                asked=exchange.demand.model,
                deployment=exchange.target.deployment.id,
                dialect=exchange.dialect.KIND,
                decision=exchange.decision.number,
                input_tokens_max=exchange.input_tokens_max,
                output_tokens_max=exchange.output_tokens_max,
                choices=exchange.demand.choices,
                stream=exchange.demand.stream,
                run=exchange.run,
            )
        )

    def settle(
        self,
        exchange: Exchange,
        settlement: Settlement,
        *,
        report: Report,
        at_ns: int,
        final: bool,
    ) -> None:
        """Post what an attempt cost and free the rest of its hold."""
        assert exchange.held
        exchange.held = False
        charge, usage = settlement.charge, settlement.usage
        ttft_us = None
        if exchange.first_byte_ns:
            ttft_us = (exchange.first_byte_ns - exchange.sent_ns) // 1_000
            self.ttft_us.append(ttft_us)
        self._journal.append(
            SettleRecord(
                attempt=exchange.attempt,
                call=exchange.call,
                at_ns=at_ns,
                amount_nanos=settlement.amount_nanos,
                state=settlement.state,
                lines=() if charge is None else tuple(LineRecord(*line) for line in charge.lines),
                usage={} if usage is None else usage.quantities(),
                served_model=report.served_model,
                upstream_id=report.upstream_id,
                upstream_request_id=exchange.upstream_request_id,
                status=exchange.status,
                reason=settlement.reason,
                ttft_us=ttft_us,
                duration_us=(at_ns - exchange.sent_ns) // 1_000,
                final=final,
            )
        )
        self._journal.holds_open -= 1
        slices.settle(exchange.path.slices, exchange.hold_nanos, settlement.amount_nanos)

    def void(self, exchange: Exchange, reason: str, *, at_ns: int, final: bool) -> None:
        """Free a hold of which certainly no byte reached the provider."""
        assert exchange.held
        exchange.held = False
        self._journal.append(
            VoidRecord(exchange.attempt, exchange.call, at_ns, reason, final=final)
        )
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
            )
        )
