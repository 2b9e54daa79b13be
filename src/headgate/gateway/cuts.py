"""Cutting: calls that run are ended when what they spend is frozen or their key is revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.gateway.readings import ARRIVED, RECEIVED, UNBEGUN
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

REVOKED: Final = Refusal(errors.KEY_INVALID, "The key of this call was revoked while it ran.")


def cut(pipeline: Pipeline) -> int:
    """End the calls that would be refused now for who makes them; return how many.

    To be called when what is frozen or which keys are valid has changed.
    """
    # One that has not begun yet is asked everything anew when it does; the sweep ends what a bug
    # of ours has stopped.
    passed_over = (*UNBEGUN, RECEIVED)
    running = [each for each in pipeline.exchanges if each.phase not in passed_over]
    refused = [(each, _why(pipeline, each)) for each in running]
    for exchange, refusal in refused:
        # One that was cut gave its place to the next, which was refused for the same reason.
        if refusal is not None and exchange.phase != "done":
            pipeline.endings.cut(exchange, refusal)
    return sum(refusal is not None for _, refusal in refused)


def _why(pipeline: Pipeline, exchange: Exchange) -> Refusal | None:
    key = exchange.request.head.key
    directory = pipeline.world.directory
    # Not by its time: what was begun before a key or delegation ends may be finished.
    if key is not None and directory.find(key) is None:
        return directory.why_not(key) or REVOKED
    # What one that has just arrived would be held on is not known yet, and is asked about then.
    if not pipeline.frozen or exchange.phase == ARRIVED:
        return None
    # What waits for a person is routed anew when it goes on.
    there = () if exchange.phase == "approve" else exchange.target.nodes
    nodes = (*exchange.path.nodes, f"model:{exchange.asked}", *there)
    return pipeline.why_frozen(nodes)
