"""Chance for policies that try models: who may be touched by it, and what it has cost today."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from headgate.records.priority import INTERACTIVE
from headgate.routing.policies.explore import COST, DRAW, SPENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.gateway.exchange import Exchange

DAY_NS: Final = 86_400_000_000_000
DRAW_BYTES: Final = 4


class Exploring:
    """Gives draws to calls, and counts what trying costs, by alias and UTC day.

    Args:
        workers: So many of these there are on this node; each counts its own as one of so many.
    """

    __slots__ = ("_day", "_spent_nanos", "_workers")

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._day = 0
        self._spent_nanos: dict[str, int] = {}

    def inputs(self, exchange: Exchange, now_ns: int) -> dict[str, int]:
        """Return what a call's policy is told; nothing for a call that chance may not touch.

        That is one for which something is required of who serves it, whose data is of a class,
        that is urgent, or that a person has to approve. A pinned call has no policy.
        """
        required, head = exchange.required, exchange.request.head
        if required.ids or head.data_class is not None or head.approval is not None:
            return {}
        if exchange.turn.rank < INTERACTIVE:
            return {}
        day = now_ns // DAY_NS
        if day != self._day:
            self._day = day
            self._spent_nanos.clear()
        digest = blake2b(exchange.call.encode(), digest_size=DRAW_BYTES).digest()
        spent = self._spent_nanos.get(exchange.asked, 0) * self._workers
        return {DRAW: int.from_bytes(digest, "big"), SPENT: spent}

    def heed(self, asked: str, notes: Mapping[str, str | int]) -> None:
        """Count what a decision says that trying costs."""
        cost = notes.get(COST)
        if isinstance(cost, int) and cost:
            self._spent_nanos[asked] = self._spent_nanos.get(asked, 0) + cost
