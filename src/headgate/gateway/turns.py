"""A call's turn at a deployment: its class and team, the place it has, how long it waited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.capacity.shares import Share
from headgate.gateway.deferral import read_deadline
from headgate.records.priority import INTERACTIVE
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.sessions import SessionCall
    from headgate.gateway.minutes import MinuteTake
    from headgate.gateway.world import World


class Turn:
    """Where a call stands when it has to wait.

    Attributes:
        team: Whose share its places are of.
        rank: Its priority class, 0 the highest.
        deadline_ns: Until when its answer is of use, None when it does not say.
        share: What it has its place from, None while it has none.
        queued_ns: When it began to wait for a place.
        waited_us: How long it has waited for places, all attempts together.
        pinged_ms: Coarse time at which its client last heard that it waits.
        session: The session it is of, None unless its route's policy goes by sessions.
        minute: What it has taken of its caller's limits of a minute, None for who has no limits.
    """

    __slots__ = (
        "deadline_ns",
        "minute",
        "pinged_ms",
        "queued_ns",
        "rank",
        "session",
        "share",
        "team",
        "waited_us",
    )

    def __init__(self) -> None:
        self.team = ""
        self.rank = INTERACTIVE
        self.deadline_ns: int | None = None
        self.share: Share | None = None
        self.session: SessionCall | None = None
        self.minute: MinuteTake | None = None
        self.queued_ns = self.waited_us = self.pinged_ms = 0

    def ends(self, now_ns: int) -> None:
        """The wait for a place is over."""
        self.waited_us += max(0, now_ns - self.queued_ns) // 1_000


def classify(world: World, exchange: Exchange) -> Refusal | None:
    """Find the class and deadline of a call; or tell what is wrong with those it asks for."""
    credential, turn = exchange.request.credential, exchange.turn
    assert credential is not None
    rank = world.classes.rank(credential.key, exchange.request.head.priority)
    if isinstance(rank, Refusal):
        return rank
    turn.rank, turn.team = rank, credential.team
    deadline = exchange.request.head.deadline
    if deadline is not None:
        at_ns = read_deadline(deadline, world.now_ns())
        if isinstance(at_ns, Refusal):
            return at_ns
        turn.deadline_ns = at_ns
    return None
