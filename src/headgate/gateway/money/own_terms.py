"""Contracts of callers: the nodes of a call that have one travel in its terms."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange


def note_contracts(exchange: Exchange, known: Collection[str]) -> None:
    """Put the nodes of the caller that have a contract into the terms of the call.

    Args:
        exchange: The call, just read, with its path.
        known: The nodes that have contracts.
    """
    nodes = tuple(node for node in exchange.path.nodes if node in known)
    if nodes:
        demand = exchange.demand
        exchange.demand = exchange.own = replace(demand, terms=demand.terms._replace(nodes=nodes))


def keep_contracts(exchange: Exchange) -> None:
    """Put them into the terms of what is sent, which a translation has read anew."""
    nodes, demand = exchange.own.terms.nodes, exchange.demand
    if nodes and not demand.terms.nodes:
        exchange.demand = replace(demand, terms=demand.terms._replace(nodes=nodes))
