"""The phases in which a call waits and has cost nothing, and how it leaves them early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.gateway.readings import ARRIVED, PLACED
from headgate.gateway.upstream.renewals import RENEW

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

WAITING: Final = (ARRIVED, PLACED, "approve", "queue", "money", RENEW)


def stop_waiting(pipeline: Pipeline, exchange: Exchange) -> None:
    """Leave the queue for a place or for money, or a person to their peace."""
    if exchange.phase == "approve":
        assert pipeline.approvals is not None
        pipeline.approvals.leave(exchange)
    elif exchange.phase == "queue":
        turn = exchange.turn
        exchange.target.places.leave(turn.rank, turn.team, exchange.on_place)
    elif exchange.phase == "money":
        pipeline.world.purse.leave(exchange.on_money)
    # Who waits for a stage, or for a credential, is asked for its phase when that comes.
