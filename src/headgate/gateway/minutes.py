"""What a call counts on its caller's limits of a minute: taken first, put right when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from headgate.capacity.minutes import Limit, MinuteBook
from headgate.dialects.registry import LimitingDialect, dialects
from headgate.gateway.refusals import over_minute, too_large_for_minute
from headgate.identity.settings import limited_nodes
from headgate.records.charge import Settlement
from headgate.records.demand import Demand
from headgate.records.minutes import LimitStanding
from headgate.routing.candidate import OUTPUT_TOKENS_EXPECTED
from headgate.routing.given import tokens_of
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.identity.directory import Credential

KEYS_MAX: Final = 4_096
"""The limits of so many keys are found without looking for them."""
_TELLING: Final = {
    each.KIND: cast(LimitingDialect, each)
    for each in dialects().values()
    if hasattr(each, "render_limits")
}
"""The dialects whose clients know headers that tell of limits."""


class Minutes:
    """Counts the calls of callers that have limits.

    Args:
        book: The limits, and what was taken of them.
        lineages: By team, itself and the teams above it.
        now_ns: The clock.
    """

    def __init__(
        self,
        book: MinuteBook,
        lineages: Mapping[str, tuple[str, ...]],
        now_ns: Callable[[], int],
    ) -> None:
        self.book = book
        self._lineages = lineages
        self._now_ns = now_ns
        self._known: dict[str, tuple[Limit, ...]] = {}

    def admit(self, exchange: Exchange, credential: Credential) -> Refusal | None:
        """Count a call that begins; or tell which limit refuses it, and take nothing.

        A call that has waited, and is routed anew, was counted when it came.
        """
        if exchange.turn.minute is not None:
            return None
        tokens, now_ns = _expected(exchange.own, len(exchange.body)), self._now_ns()
        limits = self._limits(credential)
        take = exchange.turn.minute = MinuteTake(self.book, limits, tokens, self._now_ns)
        short, longest_ns = None, 0
        for limit in limits:
            wait_ns = limit.bucket.wait_ns(_units(limit, tokens), now_ns)
            if wait_ns is None:
                return too_large_for_minute(limit.node, limit.bucket.limit, tokens)
            if wait_ns > longest_ns:
                short, longest_ns = limit, wait_ns
        if short is not None:
            return over_minute(short.node, short.standing(now_ns), tokens, longest_ns)
        take.begin(now_ns)
        return None

    def _limits(self, credential: Credential) -> tuple[Limit, ...]:
        known = self._known.get(credential.key)
        if known is None:
            teams = self._lineages[credential.team]
            known = self.book.of(limited_nodes(credential.key, credential.principal, teams))
            if len(self._known) >= KEYS_MAX:
                self._known.clear()
            self._known[credential.key] = known
        return known


class MinuteTake:
    """What a call has taken of its caller's limits.

    Two attempts that run beside each other share it: the call is over when both are.
    """

    __slots__ = (
        "_book",
        "_counted",
        "_expected",
        "_limits",
        "_now_ns",
        "_numbers",
        "_runs",
        "_used",
    )

    def __init__(
        self,
        book: MinuteBook,
        limits: tuple[Limit, ...],
        expected: int,
        now_ns: Callable[[], int],
    ) -> None:
        self._book = book
        self._limits = limits
        self._expected = expected
        self._now_ns = now_ns
        self._numbers: tuple[int, ...] = ()
        self._counted = self._used = 0
        self._runs = 1

    def begin(self, now_ns: int) -> None:
        """Take what the call is expected to take."""
        tokens, book = self._expected, self._book
        self._counted = tokens
        self._numbers = tuple(
            book.take(limit, _units(limit, tokens), now_ns) for limit in self._limits
        )

    def join(self) -> MinuteTake:
        """Return it for one more attempt beside the first."""
        self._runs += 1
        return self

    def settle(self, settlement: Settlement, *, final: bool) -> None:
        """Count what an attempt has taken; put right what was expected, if none follows it."""
        self._used += _used(settlement, self._expected)
        if final:
            self._put_right()

    def end(self) -> None:
        """An attempt, and the call if it was the last, is over: what it did not take goes back."""
        self._runs -= 1
        if not self._runs:
            self._put_right()

    def _put_right(self) -> None:
        more = self._used - self._counted
        if not more or not self._numbers:
            return
        self._counted = self._used
        now_ns = self._now_ns()
        for limit, number in zip(self._limits, self._numbers, strict=True):
            if limit.what == "requests":
                continue
            if more > 0:
                self._book.take(limit, more, now_ns)
            else:
                self._book.give_back(limit, number, -more, now_ns)

    def lines(self, dialect: str) -> bytes:
        """Return header lines that tell a dialect's clients of the tightest limits; maybe none."""
        telling = _TELLING.get(dialect)
        if telling is None:
            return b""
        now_ns = self._now_ns()
        tightest: dict[str, LimitStanding] = {}
        for limit in self._limits:
            standing = limit.standing(now_ns)
            known = tightest.get(limit.what)
            if known is None or standing.left < known.left:
                tightest[limit.what] = standing
        return telling.render_limits(tuple(tightest.values()))


def _units(limit: Limit, tokens: int) -> int:
    return tokens if limit.what == "tokens" else 1


def _expected(own: Demand, body_bytes: int) -> int:
    """Return how many tokens a call is expected to take: its input, and the output it allows.

    Of a call for images or sound nothing is known before, and a count of tokens takes none.
    """
    if own.free:
        return 0
    if own.pieces is not None:
        return 1
    tokens = tokens_of(body_bytes)
    if own.input_tokens_max is not None:
        # Much of a body may be no text: an image in it is bounded otherwise.
        tokens = min(tokens, own.input_tokens_max)
    output = own.output_tokens_max
    return tokens + (OUTPUT_TOKENS_EXPECTED if output is None else output) * own.choices


def _used(settlement: Settlement, expected: int) -> int:
    """Return how many tokens an attempt has taken; as expected where nobody knows."""
    usage = settlement.usage
    if settlement.state != "measured":
        return expected
    return 0 if usage is None else usage.prompt_tokens + usage.output_tokens
