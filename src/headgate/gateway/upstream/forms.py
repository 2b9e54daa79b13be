"""Sends forms with files: piece by piece, as fast as the provider takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.gateway.client.uploads import Upload

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.connection import UpstreamConnection


def send_form(exchange: Exchange, upstream: UpstreamConnection, upload: Upload) -> None:
    """Send a call's form to its target, with the model's name there."""
    target, spoken = exchange.target, exchange.spoken
    model = target.deployment.model.encode()
    forwarded = [pair for pair in exchange.request.head.forwarded if pair[0] in spoken.FORWARDED]
    head = target.form_head(
        spoken.KIND,
        forwarded,
        exchange.request.head.content_type,
        upload.length(model),
        stream=exchange.demand.stream,
    )
    exchange.upstream = upstream
    exchange.enter("reply")
    upstream.send_pieces(exchange, head, upload.pieces(model))
