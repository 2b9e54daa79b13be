"""Requests for approval as people and machines are shown them."""

import msgspec
from msgspec.structs import replace

from headgate.governance.requests import Request
from headgate.insights.contract_control import ApprovalView
from headgate.records.approval import Shown, ShownRaise
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


def approval_view(request: Request) -> ApprovalView:
    """Return a request with all that its approvers are shown."""
    if request.kind == "raise":
        return _of_raise(request, msgspec.json.decode(request.shown, type=ShownRaise))
    shown = msgspec.json.decode(request.shown, type=Shown)
    nanos = shown.quote_nanos
    return replace(
        _common(request, shown.team, shown.key),
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
    )


def _of_raise(request: Request, shown: ShownRaise) -> ApprovalView:
    return replace(
        _common(request, shown.team, shown.key),
        budget=shown.budget,
        by=format_usd(shown.by_nanos),
        until=to_iso(shown.until_ns),
        why=shown.why,
    )


def _common(request: Request, team: str, key: str) -> ApprovalView:
    decided_ns = request.decided_ns
    return ApprovalView(
        id=request.id,
        kind=request.kind,
        status=request.status,
        rule=request.rule,
        at=to_iso(request.at_ns),
        expires_at=to_iso(request.expires_ns),
        principal=request.principal,
        team=team,
        key=key,
        chain=[],
        run=None,
        model=None,
        quote=None,
        data_class=None,
        stream=None,
        output_tokens_max=None,
        tools=[],
        body_bytes=None,
        body_sha256=None,
        prompt=None,
        budget=None,
        by=None,
        until=None,
        why=None,
        digest=request.digest,
        decided_by=request.decided_by,
        decided_at=None if decided_ns is None else to_iso(decided_ns),
        reason=request.reason or None,
        call=request.call or None,
        used_by=request.used_by,
    )
