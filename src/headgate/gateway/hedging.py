"""Hedging: a call whose provider is silent for long is asked of the next candidate as well.

Only on routes that say so, and only of calls that change nothing wherever they are answered. Both
attempts are held beside each other: a hedge waits in no queue, neither for a place nor for money,
and is in nobody's way. The sweep finds silent calls, so that those that are answered in time pay
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from headgate.capacity.retries import RetryBudget
from headgate.dialects.registry import KeepingDialect, dialects
from headgate.gateway.attempts import ATTEMPTS_MAX
from headgate.gateway.client.request import Request
from headgate.gateway.exchange import Exchange
from headgate.gateway.money.quotes import quote
from headgate.gateway.money.racing_books import RacingBooks
from headgate.gateway.racing import Race
from headgate.ledger.purse import SLICE_CALLS
from headgate.records.priority import BATCH

if TYPE_CHECKING:
    from headgate.gateway.pipeline import Pipeline
    from headgate.records.demand import Demand
    from headgate.routing.candidate import Quoted

HEDGES_PERCENT: Final = 5
"""So many of a hundred calls of the routes that hedge are hedged at most, after a while."""
HEDGES_BURST: Final = 10
"""So many hedges can be saved up."""
LOOKS_MAX: Final = 8
"""So many times a place and money are looked for, a sweep apart; then the call is left as it is."""
NANOS_PER_MS: Final = 1_000_000
SILENT: Final = "reply"
"""The phase of an attempt that was sent, and of which nothing has come back."""

_KEEPING: Final = {
    each.KIND: cast(KeepingDialect, each)
    for each in dialects().values()
    if hasattr(each, "keeps_reply")
}
"""The dialects in which a provider can be told to keep what it answers."""


def hedging_of(pipeline: Pipeline) -> Hedging | None:
    """Return what hedges a worker's calls, None when no route does."""
    after_ms, books = pipeline.world.router.hedges(), pipeline.world.books
    if not after_ms:
        return None
    assert isinstance(books, RacingBooks)
    return Hedging(pipeline, after_ms, books)


class _Look:
    """What is known of a silent call that is to be hedged.

    Attributes:
        left: How often it is looked at again.
        beside: The attempt that lacked a place or money, None before there is one.
        quoted: Whom that goes to.
    """

    __slots__ = ("beside", "left", "quoted")

    def __init__(self, left: int = LOOKS_MAX) -> None:
        self.left = left
        self.beside: Exchange | None = None
        self.quoted: Quoted | None = None

    def end(self) -> None:
        """Look no more, and keep nothing of the attempt, which has the call's body."""
        self.left, self.beside = 0, None


class Hedging:
    """Makes attempts beside silent ones.

    Args:
        pipeline: The calls' own.
        after_ms: By alias, after how long a call is hedged.
        books: Where attempts are written down.
    """

    def __init__(self, pipeline: Pipeline, after_ms: Mapping[str, int], books: RacingBooks) -> None:
        self._pipeline = pipeline
        self._after_ns = {alias: ms * NANOS_PER_MS for alias, ms in after_ms.items()}
        self._books = books
        self._budget = RetryBudget(HEDGES_PERCENT, HEDGES_BURST)
        self._looks: dict[Exchange, _Look] = {}

    def earn(self, exchange: Exchange) -> None:
        """A call has come; a share of those that could be hedged may be."""
        if exchange.asked in self._after_ns:
            self._budget.earn()

    def sweep(self) -> None:
        """Hedge the calls that have been silent for too long, each in a turn of its own."""
        pipeline, now_ns = self._pipeline, self._pipeline.now_ns()
        for exchange, look in list(self._looks.items()):
            if exchange.phase == "done":
                del self._looks[exchange]
            elif exchange.phase != SILENT:
                look.end()
        for exchange in pipeline.exchanges:
            after_ns = self._after_ns.get(exchange.asked)
            if after_ns is None or exchange.phase != SILENT:
                continue
            found = self._looks.get(exchange)
            if (found is None or found.left) and now_ns - exchange.sent_ns >= after_ns:
                pipeline.world.outbox.soon(partial(self._look_at, exchange))

    def _look_at(self, exchange: Exchange) -> None:
        self.hedge(exchange)

    def hedge(self, first: Exchange) -> bool:
        """Make an attempt beside a silent one, if that can be done here and now.

        Returns:
            False when it cannot. Where a place or money was not at hand, another look is worth it.
        """
        look = self._looks.get(first)
        if look is None:
            look = self._looks[first] = _Look()
        if not look.left or self._budget.is_empty or not self._may(first):
            look.end()
            return False
        beside = self._find(first, look)
        if beside is None:
            look.end()
            return False
        if not self._hold(beside):
            look.left -= 1
            return False
        look.end()
        self._begin(first, beside, look.quoted)
        return True

    def _find(self, first: Exchange, look: _Look) -> Exchange | None:
        """Return the attempt to be made beside a call's first one; None when there is nobody.

        Until it goes there, whoever is found is still there for the call, should that fail.
        """
        if look.beside is None:
            look.beside = self._twin(first)
            look.quoted = self._pipeline.attempts.find_beside(look.beside)
            first.spared, first.plan_over = look.beside.spared, look.beside.plan_over
            if look.quoted is not None:
                first.spared += (look.quoted,)
        # One that has failed and gone on meanwhile may be there by now.
        found = look.quoted is not None and look.beside.number == first.number
        return look.beside if found else None

    def _begin(self, first: Exchange, beside: Exchange, quoted: Quoted | None) -> None:
        first.spared = tuple(each for each in first.spared if each is not quoted)
        self._budget.spend()
        beside.health_mark = beside.target.health.begin(self._pipeline.now_ns())
        Race(self._pipeline, self._books, first, beside)
        self._looks[beside] = _Look(0)
        if first.turn.minute is not None:
            beside.turn.minute = first.turn.minute.join()
        self._pipeline.exchanges.add(beside)
        self._pipeline.held(beside)

    def _may(self, exchange: Exchange) -> bool:
        """Tell whether a call may be hedged: it is silent, and leaves nothing behind anywhere."""
        pipeline = self._pipeline
        if exchange.phase != SILENT or exchange.client is None or exchange.plan is None:
            return False
        if exchange.drained_since_ms is not None or exchange.number >= ATTEMPTS_MAX:
            return False
        if exchange.headed or exchange.permission is not None or pipeline.ending:
            # Its client has the head of another answer, or a person has approved this one.
            return False
        if exchange.request.upload is not None or exchange.turn.rank == BATCH:
            return False
        if not _is_plain(exchange.own) or _is_kept(exchange):
            return False
        cascading = pipeline.cascading
        return cascading is None or cascading.runs.of(exchange) is None

    def _twin(self, first: Exchange) -> Exchange:
        """Return a second exchange of a call, for its next attempt."""
        request = Request(first.request.head, first.request.credential)
        request.named = first.request.named
        beside = Exchange(self._pipeline, None, request, first.dialect, first.call)
        beside.body = beside.outgoing = first.body
        beside.own = beside.demand = first.own
        beside.asked, beside.run, beside.number = first.asked, first.run, first.number
        beside.path, beside.required = first.path, first.required
        beside.decision, beside.plan = first.decision, first.plan
        beside.spared, beside.plan_over = first.spared, first.plan_over
        beside.prompt, beside.meant = first.prompt, first.meant
        turn, of_first = beside.turn, first.turn
        turn.team, turn.rank, turn.session = of_first.team, of_first.rank, of_first.session
        turn.deadline_ns = of_first.deadline_ns
        return beside

    def _hold(self, beside: Exchange) -> bool:
        """Take a place and set the money aside for an attempt; False when either is not at hand.

        A last resort is for calls that have nobody else.
        """
        pipeline, target, turn = self._pipeline, beside.target, beside.turn
        if pipeline.why_frozen(target.nodes) or not pipeline.attempts.may_stay(beside):
            return False
        turn.share = target.places.take(turn.rank, turn.team)
        if turn.share is None:
            return False
        if self._holds(beside):
            return True
        pipeline.endings.leave_place(beside)
        return False

    def _holds(self, beside: Exchange) -> bool:
        """Hold the worst case, whatever is expected: both are paid for, come what may."""
        pipeline, world = self._pipeline, self._pipeline.world
        if quote(pipeline, beside) is not None:
            return False
        if pipeline.approvals is not None and not pipeline.approvals.covers(beside):
            return False
        if not world.books.has_room():
            return False
        slices, nanos = beside.path.slices, beside.hold_nanos
        if world.purse.try_hold(slices, nanos) is None:
            return True
        # It comes where there is plenty, and nobody waits for it.
        short = [piece.window for piece in slices if piece.idle_nanos < nanos]
        world.purse.want(dict.fromkeys(short, SLICE_CALLS * nanos))
        return False


def _is_plain(own: Demand) -> bool:
    """Tell whether a call asks for one text, of what it says itself, and nothing acts on it."""
    if own.tools or own.thread or own.free or own.unbounded is not None:
        return False
    if own.pieces is not None or own.output_tokens_max == 0:
        return False
    return own.choices == 1 and own.input_tokens_max is not None


def _is_kept(exchange: Exchange) -> bool:
    """Tell whether the provider keeps the reply: of two, nobody would ask for one."""
    dialect = _KEEPING.get(exchange.dialect.KIND)
    return dialect is not None and dialect.keeps_reply(exchange.own.members)
