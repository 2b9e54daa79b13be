"""Asking for a raise of a limit: checked against the configuration in force, then kept."""

import secrets
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from headgate.budgets.settings import OF_ROUTES, Budget, is_each, kind_of
from headgate.budgets.tree import nodes_of
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.governance.keeper import MINUTE_NS
from headgate.governance.requests import Request
from headgate.governance.rules import raise_rule_for
from headgate.governance.settings import Rule
from headgate.identity.settings import lineage_of
from headgate.records.approval import ShownRaise, digest_of
from headgate.records.control import ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import from_datetime
from headgate.units.money import MoneyError, parse_usd

UNTIL_NS_MAX = 366 * 24 * 60 * MINUTE_NS


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body: which budget, by how many dollars (text), until when (ISO 8601), and why."""

    budget: Annotated[str, Meta(min_length=1, max_length=64)]
    by_usd: Annotated[str, Meta(min_length=1, max_length=32)]
    until: datetime
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


_decode = msgspec.json.Decoder(Wanted).decode


def raise_of(
    request: ControlRequest, snapshot: Snapshot, now_ns: int
) -> tuple[ShownRaise, Request] | Refusal:
    """Return what a client asks for, ready to be kept; or why it cannot be asked for."""
    try:
        wanted = _decode(request.body)
        by_nanos, until_ns = parse_usd(wanted.by_usd), from_datetime(wanted.until)
    except (msgspec.DecodeError, MoneyError, ValueError) as error:
        return Refusal(errors.BODY_INVALID, f"{error}.")
    if not by_nanos or not now_ns < until_ns <= now_ns + UNTIL_NS_MAX:
        message = "A raise is by more than nothing, and ends within a year from now."
        return Refusal(errors.BODY_INVALID, message)
    budget = snapshot.budgets.get(wanted.budget)
    if budget is None or is_each(budget.node):
        known = [each.id for each in snapshot.budgets.values() if not is_each(each.node)]
        fix = near(wanted.budget, known, "budget")
        return Refusal(errors.BODY_INVALID, f"No budget {wanted.budget!r} can be raised. {fix}")
    rule = _rule(request, snapshot, budget, by_nanos)
    if isinstance(rule, Refusal):
        return rule
    shown = ShownRaise(
        principal=request.principal,
        team=request.team,
        key=request.key,
        rule=rule.id,
        budget=budget.id,
        node=budget.node,
        limit_nanos=budget.limit_nanos,
        by_nanos=by_nanos,
        until_ns=until_ns,
        why=wanted.reason,
    )
    return shown, Request(
        id=f"apr_{secrets.token_hex(12)}",
        kind="raise",
        at_ns=now_ns,
        expires_ns=min(until_ns, now_ns + rule.expires_minutes * MINUTE_NS),
        status="pending",
        rule=rule.id,
        principal=request.principal,
        shown=msgspec.json.encode(shown).decode(),
        digest=digest_of(shown),
        call="",
        journal=None,
    )


def _rule(
    request: ControlRequest, snapshot: Snapshot, budget: Budget, by_nanos: int
) -> Rule | Refusal:
    """Return the rule by which a raise may be asked for by who asks."""
    own = nodes_of(request.principal, lineage_of(request.team, snapshot.teams))
    # What a call is and where it goes is nobody's: who makes it has to be below the rest.
    people = [node for node in budget.nodes if kind_of(node) not in (*OF_ROUTES, "tag")]
    if request.delegated or not set(people) <= {*own, f"key:{request.key}"}:
        message = "A raise is asked for by somebody below the budget, with a key of their own."
        return Refusal(errors.NOT_PERMITTED, message)
    at = min((own.index(node) for node in people if node in own), default=0 if people else -1)
    rule = raise_rule_for(snapshot.approvals.values(), set(own[at:]), by_nanos)
    if rule is None:
        message = "No rule of approval with `budget_raises` is about this budget and amount."
        return Refusal(errors.NOT_PERMITTED, message)
    return rule
