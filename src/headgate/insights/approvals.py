"""Requests for approval as people and machines are shown them."""

import msgspec

from headgate.governance.requests import Request
from headgate.insights.contract_control import ApprovalView
from headgate.records.approval import Shown
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


def approval_view(request: Request) -> ApprovalView:
    """Return a request with all that its approvers are shown."""
    shown = msgspec.json.decode(request.shown, type=Shown)
    nanos, decided_ns = shown.quote_nanos, request.decided_ns
    return ApprovalView(
        id=request.id,
        kind=request.kind,
        status=request.status,
        rule=request.rule,
        at=to_iso(request.at_ns),
        expires_at=to_iso(request.expires_ns),
        principal=shown.principal,
        team=shown.team,
        key=shown.key,
        chain=list(shown.chain),
        run=shown.run,
        model=shown.model,
        quote=None if nanos is None else format_usd(nanos),
        data_class=shown.data_class,
        stream=shown.stream,
        output_tokens_max=shown.output_tokens_max,
        tools=list(shown.tools),
        body_bytes=shown.body_bytes,
        body_sha256=shown.body_sha256,
        prompt=shown.prompt,
        digest=request.digest,
        decided_by=request.decided_by,
        decided_at=None if decided_ns is None else to_iso(decided_ns),
        reason=request.reason or None,
        call=request.call,
        used_by=request.used_by,
    )
