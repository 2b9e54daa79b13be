"""Requests for approval: what becomes of one, and who may say so; pure."""

from collections.abc import Collection
from typing import Literal, NamedTuple

from msgspec.structs import replace

from headgate.records.approval import Shown, Status
from headgate.units import errors
from headgate.units.errors import Code, Refusal
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

Verdict = Literal["approve", "deny"]
DECIDED: dict[Verdict, Status] = {"approve": "approved", "deny": "denied"}

ENDED: dict[Status, Code] = {
    "denied": errors.APPROVAL_DENIED,
    "expired": errors.APPROVAL_EXPIRED,
    "withdrawn": errors.APPROVAL_WITHDRAWN,
    "used": errors.APPROVAL_USED,
}
"""What a call meets whose request has ended so."""


class Request(NamedTuple):
    """A request for approval, as it is kept.

    Attributes:
        kind: `call`, or `raise` of a limit.
        shown: JSON text of what approvers are shown.
        digest: Of what is shown.
        call: The call that asked; empty when none did.
        journal: The worker whose call waits for it, None when none does.
        decided_by: A principal, None while nobody has decided.
        used_by: The call that used it, None while none has.
    """

    id: str
    kind: str
    at_ns: int
    expires_ns: int
    status: Status
    rule: str
    principal: str
    shown: str
    digest: str
    call: str
    journal: str | None
    decided_by: str | None = None
    decided_ns: int | None = None
    reason: str | None = None
    used_by: str | None = None


def why_not_decide(
    request: Request, *, by: str, approvers: Collection[str], digest: str, actual: str
) -> Refusal | None:
    """Tell why a principal may not decide about a request as it was shown; None when it may.

    Args:
        request: The request.
        by: Who would decide.
        approvers: Those that the rule names now.
        digest: Of what was shown to them.
        actual: Of what is kept, computed anew.
    """
    if by == request.principal:
        return Refusal(errors.APPROVAL_OWN, errors.APPROVAL_OWN.sentence)
    if by not in approvers:
        message = f"{by!r} is no approver of the rule {request.rule!r}."
        return Refusal(errors.NOT_PERMITTED, message)
    if request.status != "pending":
        return Refusal(errors.APPROVAL_DECIDED, f"{request.id} is {request.status} already.")
    if digest != request.digest or actual != request.digest:
        message = f"The digest is not that of {request.id}; look at it again before you decide."
        return Refusal(errors.APPROVAL_ALTERED, message)
    return None


def why_ended(request: Request) -> Refusal | None:
    """Tell why a call may not go on with a request; None while it is pending or approved."""
    code = ENDED.get(request.status)
    if code is None:
        return None
    by = "" if request.decided_by is None else f" by {request.decided_by}"
    why = f": {request.reason}" if request.reason else ""
    at = f" (it was open until {to_iso(request.expires_ns)})" if request.status == "expired" else ""
    return Refusal(code, f"{request.id} was {_was(request.status)}{by}{why}{at}.")


def _was(status: Status) -> str:
    return "left to expire" if status == "expired" else status


def why_altered(kept: Shown, now: Shown) -> Refusal | None:
    """Tell why a call is not the one that was shown, or costs more by now; None when it may go."""
    if now != _at_the_price_of(kept, now):
        message = "This call is not the one that was shown: send the same body, key and headers."
        return Refusal(errors.APPROVAL_ALTERED, message)
    dearer = now.quote_nanos is None or (
        kept.quote_nanos is not None and now.quote_nanos > kept.quote_nanos
    )
    if kept.quote_nanos is None or not dearer:
        return None
    costs = "an unknown amount"
    if now.quote_nanos is not None:
        costs = f"up to ${format_usd(now.quote_nanos)}"
    message = (
        f"The call may cost {costs} by now, and ${format_usd(kept.quote_nanos)} was shown."
        " Send it without x-headgate-approval to ask anew."
    )
    return Refusal(errors.APPROVAL_ALTERED, message)


def _at_the_price_of(kept: Shown, now: Shown) -> Shown:
    """Return what was shown, at the price that holds now: the one thing that may differ."""
    return replace(kept, quote_nanos=now.quote_nanos)
