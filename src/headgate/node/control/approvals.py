"""`/v1/approvals`: what became of a request, what there is to decide, and deciding."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from headgate.governance import keeper
from headgate.governance.keeper import Decision
from headgate.governance.requests import Request
from headgate.insights.approvals import approval_view
from headgate.insights.contract_control import ApprovalView
from headgate.node.control.registry import Desk, Served, refused
from headgate.node.raising import Wanted, raise_of
from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a decision; `digest` is that of what was shown."""

    decision: Literal["approve", "deny"]
    digest: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Annotated[str, Meta(max_length=500)] = ""


SERVED = (
    Served("GET", None, "List the requests that one may see.", None, list[ApprovalView]),
    Served(
        "POST",
        None,
        "Ask for a raise of a limit.",
        Wanted,
        ApprovalView,
        (errors.NOT_PERMITTED, errors.OVERLOADED),
        202,
    ),
    Served("GET", "approval", "Show a request.", None, ApprovalView, (errors.APPROVAL_UNKNOWN,)),
    Served(
        "POST",
        "approval",
        "Decide about a request.",
        Said,
        ApprovalView,
        (
            errors.NOT_PERMITTED,
            errors.APPROVAL_UNKNOWN,
            errors.APPROVAL_OWN,
            errors.APPROVAL_DECIDED,
            errors.APPROVAL_ALTERED,
            errors.APPROVAL_EXPIRED,
        ),
    ),
)

_decode = msgspec.json.Decoder(Said).decode


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Show requests to who made them and to their approvers, or take an approver's decision."""
    if request.method == "POST":
        return _decide(request, desk) if request.name else _ask(request, desk)
    with desk.reading.connect() as connection:
        if not request.name:
            # A delegation sees its own and nothing that others would decide.
            open_now = keeper.listed(connection, keeper.OPEN)
            views = [approval_view(each) for each in open_now if _may_see(each, request, desk)]
            return ControlReply(200, msgspec.json.encode(views).decode())
        found = keeper.find(connection, request.name)
    if found is None or not _may_see(found, request, desk):
        return _unknown(request)
    return _shown(found)


def _ask(request: ControlRequest, desk: Desk) -> ControlReply:
    """Keep a request for a raise: calls ask by being made."""
    wanted = raise_of(request, desk.snapshot, desk.now_ns())
    if isinstance(wanted, Refusal):
        return refused(wanted.code, wanted.message)
    shown, asked = wanted
    too_many = desk.approving.ask_raise(shown, asked)
    if too_many is not None:
        return refused(too_many.code, too_many.message)
    return ControlReply(202, msgspec.json.encode(approval_view(asked)).decode())


def _decide(request: ControlRequest, desk: Desk) -> ControlReply:
    try:
        said = _decode(request.body)
    except msgspec.ValidationError as error:
        return refused(errors.BODY_INVALID, f"{error}.")
    except msgspec.DecodeError as error:
        return refused(errors.BODY_MALFORMED, f"The body is not valid JSON: {error}.")
    if request.delegated:
        message = "A delegation decides nothing: a person does, with a key of their own."
        return refused(errors.NOT_PERMITTED, message)
    with desk.reading.connect() as connection:
        found = keeper.find(connection, request.name)
    if found is None or not _may_see(found, request, desk):
        return _unknown(request)
    decision = Decision(said.decision, request.principal, said.reason)
    decided = desk.approving.decide(request.name, decision, said.digest)
    if isinstance(decided, Refusal):
        return refused(decided.code, decided.message)
    return _shown(decided)


def _may_see(found: Request, request: ControlRequest, desk: Desk) -> bool:
    if found.principal == request.principal:
        return True
    rule = desk.snapshot.approvals.get(found.rule)
    return not request.delegated and rule is not None and request.principal in rule.approvers


def _shown(found: Request) -> ControlReply:
    return ControlReply(200, msgspec.json.encode(approval_view(found)).decode())


def _unknown(request: ControlRequest) -> ControlReply:
    message = f"There is no request {request.name[:128]!r} that this key may see."
    return refused(errors.APPROVAL_UNKNOWN, message)
