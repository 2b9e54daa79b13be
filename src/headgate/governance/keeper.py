"""Keeping requests for approval: each step of one is an entry of the audit chain.

All functions change the store as part of the caller's transaction.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from headgate.budgets import store_raises
from headgate.budgets.store_raises import Raise
from headgate.governance.requests import DECIDED, Request, Verdict
from headgate.governance.tables import approval
from headgate.records.approval import Asking, Shown, ShownRaise, Status, digest_of
from headgate.store import audit
from headgate.store.audit import Detail, Event
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import format_usd

MINUTE_NS = 60 * NANOS_PER_SECOND
OPEN: tuple[Status, ...] = ("pending", "approved")
LISTED_MAX = 1_000
PENDING_MAX = 100
"""So many requests of one principal may wait to be decided; more are not kept."""


class Decision(NamedTuple):
    """What an approver says."""

    verdict: Verdict
    by: str
    reason: str


def find(connection: Connection, name: str) -> Request | None:
    """Return a request by its id, None when there is none."""
    row = connection.execute(select(approval).where(approval.c.id == name)).first()
    return None if row is None else Request(*row)


def listed(connection: Connection, statuses: Collection[Status] | None = None) -> list[Request]:
    """Return the newest requests first, at most `LISTED_MAX`; `statuses` None means all."""
    rows = select(approval).order_by(approval.c.at_ns.desc(), approval.c.id).limit(LISTED_MAX)
    if statuses is not None:
        rows = rows.where(approval.c.status.in_(tuple(statuses)))
    return [Request(*row) for row in connection.execute(rows)]


def pending(connection: Connection, principal: str | None = None) -> int:
    """Count the requests that wait to be decided, of one principal or of all."""
    rows = select(func.count()).where(approval.c.status == "pending")
    if principal is not None:
        rows = rows.where(approval.c.principal == principal)
    return connection.scalar(rows) or 0


def ask(connection: Connection, asking: Asking, journal: str, now_ns: int) -> Request | None:
    """Keep a call's request; one that is kept already is returned as it stands.

    Returns:
        None when too many of its principal are pending.
    """
    found = find(connection, asking.approval)
    if found is not None:
        return found
    shown = asking.shown
    if pending(connection, shown.principal) >= PENDING_MAX:
        return None
    request = Request(
        id=asking.approval,
        kind="call",
        at_ns=now_ns,
        expires_ns=now_ns + asking.expires_minutes * MINUTE_NS,
        status="pending",
        rule=shown.rule,
        principal=shown.principal,
        shown=msgspec.json.encode(shown).decode(),
        digest=digest_of(shown),
        call=asking.call,
        journal=journal,
    )
    keep(connection, request, _said_of(shown))
    return request


def keep(connection: Connection, request: Request, said: Detail) -> None:
    """Keep a new request and tell the audit chain; `said` is what is shown, without a prompt."""
    connection.execute(insert(approval).values(request._asdict()))
    detail = {"rule": request.rule, "digest": request.digest, **said}
    event = Event(f"principal:{request.principal}", "approval.requested", request.id, detail)
    audit.append(connection, event, request.at_ns)


def _said_of(shown: Shown) -> Detail:
    nanos = shown.quote_nanos
    return {
        "key": shown.key,
        "chain": " ".join(shown.chain),
        "run": shown.run,
        "model": shown.model,
        "quote_usd": None if nanos is None else format_usd(nanos),
        "data_class": shown.data_class,
        "tools": ", ".join(shown.tools)[:1_000],
        "body_bytes": shown.body_bytes,
        "body_sha256": shown.body_sha256,
    }


def ask_raise(connection: Connection, request: Request, shown: ShownRaise) -> bool:
    """Keep a request for a raise; False when too many of its principal are pending."""
    if pending(connection, shown.principal) >= PENDING_MAX:
        return False
    said: Detail = {
        "budget": shown.budget,
        "by_usd": format_usd(shown.by_nanos),
        "until": to_iso(shown.until_ns),
        "why": shown.why,
    }
    keep(connection, request, said)
    return True


def put_in_force(connection: Connection, request: Request, by: str, now_ns: int) -> None:
    """Do what was approved: raise a limit."""
    shown = msgspec.json.decode(request.shown, type=ShownRaise)
    wanted = Raise(request.id, shown.budget, shown.by_nanos, shown.until_ns)
    store_raises.put_in_force(connection, wanted, f"principal:{by}", now_ns)
    _set(connection, request.id, {"status": "used"})


def decide(connection: Connection, request: Request, decision: Decision, now_ns: int) -> Request:
    """Keep what an approver said of a pending request; return it as it stands now."""
    status = DECIDED[decision.verdict]
    changed = {"decided_by": decision.by, "decided_ns": now_ns, "reason": decision.reason}
    _set(connection, request.id, {"status": status, **changed})
    detail = {"digest": request.digest, "reason": decision.reason}
    _tell(connection, request, status, f"principal:{decision.by}", detail, now_ns)
    found = find(connection, request.id)
    assert found is not None
    return found


def use(connection: Connection, request: Request, call: str, now_ns: int) -> None:
    """Use up an approved request."""
    _set(connection, request.id, {"status": "used", "used_by": call, "journal": None})
    actor = f"principal:{request.principal}"
    _tell(connection, request, "used", actor, {"call": call, "digest": request.digest}, now_ns)


def let_go(connection: Connection, name: str, now_ns: int, *, withdrawn: bool) -> None:
    """End a request whose client is gone, or leave it open for one that comes back."""
    request = find(connection, name)
    if request is None or request.status not in OPEN:
        return
    if not withdrawn:
        _set(connection, name, {"journal": None})
        return
    _set(connection, name, {"status": "withdrawn", "journal": None})
    detail = {"digest": request.digest, "why": "its call is over"}
    _tell(connection, request, "withdrawn", f"principal:{request.principal}", detail, now_ns)


def expire(connection: Connection, now_ns: int) -> list[str]:
    """End what is open for too long; return their ids."""
    late = select(approval).where(approval.c.status.in_(OPEN), approval.c.expires_ns <= now_ns)
    found = [Request(*row) for row in connection.execute(late)]
    for request in found:
        _set(connection, request.id, {"status": "expired", "journal": None})
        detail = {"digest": request.digest, "open_until": to_iso(request.expires_ns)}
        _tell(connection, request, "expired", "steward", detail, now_ns)
    return [request.id for request in found]


def withdraw_of_the_dead(connection: Connection, living: Iterable[str], now_ns: int) -> None:
    """Withdraw what calls of workers wait for that are no more.

    Args:
        connection: The store.
        living: The journals of those that are connected, or may be soon.
        now_ns: Now.
    """
    waited_for = approval.c.status.in_(OPEN) & approval.c.journal.is_not(None)
    orphaned = select(approval).where(waited_for, approval.c.journal.not_in(tuple(living)))
    for row in connection.execute(orphaned).all():
        request = Request(*row)
        _set(connection, request.id, {"status": "withdrawn", "journal": None})
        detail = {"digest": request.digest, "why": "the worker of its call has ended"}
        _tell(connection, request, "withdrawn", "steward", detail, now_ns)


def _set(connection: Connection, name: str, values: dict[str, object]) -> None:
    connection.execute(update(approval).where(approval.c.id == name).values(values))


def _tell(
    connection: Connection,
    request: Request,
    status: Status,
    actor: str,
    detail: Detail,
    now_ns: int,
) -> None:
    audit.append(connection, Event(actor, f"approval.{status}", request.id, detail), now_ns)
