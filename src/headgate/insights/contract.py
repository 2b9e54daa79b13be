"""What `--json` prints, as types: `docs/reference/cli.schema.json` is derived from them.

Amounts are exact dollars as text with nine decimals; instants are ISO 8601 in UTC. Fields are
added, never renamed or removed. The schema is written by
`python -m headgate.insights.contract > docs/reference/cli.schema.json`.

"""

import sys
from typing import Any, Literal

import msgspec

from headgate.insights.calls import CallState
from headgate.insights.contract_budgets import BudgetView
from headgate.insights.contract_caches import CachesView, CacheView
from headgate.insights.contract_control import (
    ApprovalView,
    AuditEntryView,
    AuditVerdictView,
    DelegateView,
    DelegationView,
    FrozenView,
    OutcomesToldView,
    ResultsView,
)
from headgate.insights.contract_decisions import DecisionView
from headgate.insights.contract_desk import ImportView, PlansView, UsageView
from headgate.insights.contract_exports import (
    BackupView,
    ExportedView,
    HistoryView,
    RestoreView,
)
from headgate.insights.contract_holds import HoldView
from headgate.insights.contract_learning import (
    ModelsView,
    PolicyCheckView,
    RatingView,
    VoteView,
)
from headgate.insights.contract_prices import CommitmentsView, ImpactView, RestateView
from headgate.insights.contract_reconcile import AdjustmentView, ReconcileView
from headgate.insights.contract_routes import RouteView
from headgate.insights.contract_runs import RunView
from headgate.insights.contract_statement import StatementView
from headgate.insights.contract_tokens import TokensView
from headgate.insights.contract_trials import TrialView
from headgate.insights.printed import Instant, Printed, Usd


class LineView(Printed, frozen=True, kw_only=True):
    """A charge line: quantity x price, rounded half up once."""

    meter: str
    quantity: int
    price_usd_per_million: Usd
    amount: Usd
    price_row: str


class RefusalView(Printed, frozen=True, kw_only=True):
    """Why a call was refused; `budget` is the window that refused it, if one did."""

    code: str
    message: str
    budget: str | None


class CallView(Printed, frozen=True, kw_only=True):
    """An attempt of a call, or a refused call: `calls --json` prints a list, newest first.

    A refused call has state `refused`, no attempt, and a refusal. `deployment` and `dialect`
    are null there; `usage` holds the meters that are not zero. `chain` names the delegations it
    was made through, each `<agent>~<id>`, the key's own child first. `via` is the dialect the call
    was translated to, null without a translation; `lost` holds the JSON paths it left out.
    `posted` is what was posted when it ended; corrections since add `adjusted` to it.
    `priority` is null for a refused call; `waited_ms` is how long it waited for places.
    `tags` are `NAME=VALUE` each; `would_refuse` names the shadow windows that it did not fit into.
    """

    call: str
    attempt: str | None
    at: Instant
    principal: str
    team: str
    key: str
    chain: list[str]
    run: str | None
    asked: str
    deployment: str | None
    served_model: str | None
    dialect: str | None
    via: str | None
    lost: list[str]
    stream: bool
    state: CallState
    hold: Usd
    posted: Usd
    adjusted: Usd
    usage: dict[str, int]
    lines: list[LineView]
    upstream_id: str | None
    upstream_request_id: str | None
    status: int
    reason: str | None
    ttft_ms: float | None
    duration_ms: float
    refusal: RefusalView | None
    cache: CacheView | None
    priority: str | None
    waited_ms: float
    session: str | None
    tags: list[str]
    would_refuse: list[str]
    quarantined: str | None
    request_id: str | None


class SessionView(Printed, frozen=True, kw_only=True):
    """The session that a call is of, with all its attempts so far.

    `spend` is what they cost, corrections included; `deployments` says how many went where.
    """

    name: str
    attempts: int
    spend: Usd
    since: Instant
    deployments: dict[str, int]


class ExplainView(Printed, frozen=True, kw_only=True):
    """One call: `explain CALL --json`."""

    call: str
    posted: Usd
    adjusted: Usd
    attempts: list[CallView]
    adjustments: list[AdjustmentView]
    holds: list[HoldView]
    decisions: list[DecisionView]
    session: SessionView | None


class SumsView(Printed, frozen=True, kw_only=True):
    """Sums over calls that have `name` in common; null: they have none.

    `spend` is what was posted when attempts ended; corrections since add `adjusted` to it.
    """

    name: str | None
    calls: int
    refused: int
    spend: Usd
    adjusted: Usd
    estimated_calls: int
    estimated_spend: Usd
    unknown_calls: int
    held: Usd


class ReportView(Printed, frozen=True, kw_only=True):
    """Sums over all calls: `report --json`."""

    calls: int
    refused: int
    spend: Usd
    adjusted: Usd
    estimated_calls: int
    estimated_spend: Usd
    unknown_calls: int
    held: Usd
    by: list[SumsView]


class WindowView(Printed, frozen=True, kw_only=True):
    """A window as the store has it and as the journals have it."""

    window: str
    posted_store: Usd
    posted_journal: Usd
    held_store: Usd
    held_journal: Usd
    equal: bool


class AgainView(Printed, frozen=True, kw_only=True):
    """Decisions made again from their records: `same`, `other`, and `untried` of other versions.

    `named` has `JOURNAL/NUMBER` of those that came out otherwise.
    """

    same: int
    other: int
    untried: int
    named: list[str]


class BooksView(Printed, frozen=True, kw_only=True):
    """Whether store and journals agree: `check-books --json`; `decisions` if they were tried."""

    equal: bool
    journals: int
    records: int
    windows: list[WindowView]
    attempts_equal: bool
    held_total: Usd
    problems: list[str]
    decisions: AgainView | None


class KeyView(Printed, frozen=True, kw_only=True):
    """A key: `keys list --json` prints a list; one `made` replaces the configured one of its id.

    `last_used_at` is null when none of the newest calls was made with it, `ends_at` when it never
    ends.
    """

    id: str
    principal: str
    models: list[str]
    source: Literal["configuration", "made"]
    created_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None
    ends_at: Instant | None


class MadeKeyView(Printed, frozen=True, kw_only=True):
    """A new key, shown this once: `keys create --json`; `ends_at` is null when it never ends."""

    id: str
    principal: str
    models: list[str]
    key: str
    ends_at: Instant | None


class CheckView(Printed, frozen=True, kw_only=True):
    """One check of `doctor`; `fix` is empty when there is nothing to do."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    fix: str


class DoctorView(Printed, frozen=True, kw_only=True):
    """All checks: `doctor --json`; `ok` unless one is an error."""

    ok: bool
    checks: list[CheckView]


class ProblemView(Printed, frozen=True, kw_only=True):
    """What is wrong in a configuration, and what to write instead."""

    file: str
    key: str
    problem: str
    fix: str


class ReloadView(Printed, frozen=True, kw_only=True):
    """How a reload went: `reload --json`; unless `ok`, the configuration before stays in force.

    `retiring` workers still finish calls that began under an earlier one. Of the budgets
    `overspent` more is spent than their limits now are: they refuse calls. `warnings` name
    deployments that nothing prices.
    """

    ok: bool
    retiring: int
    overspent: list[str]
    problems: list[ProblemView]
    warnings: list[ProblemView]


class DrillRowView(Printed, frozen=True, kw_only=True):
    """Calls with the same name, deployment and fate; `to` is null when they would break.

    `via` is the dialect they would be translated to, `rule` what breaks them; `cost` is at the
    prices of `to`, of all but `uncosted` calls.
    """

    asked: str
    served_by: str
    to: str | None
    via: str | None
    rule: str | None
    calls: int
    posted: Usd
    cost: Usd
    uncosted: int


class DrillView(Printed, frozen=True, kw_only=True):
    """What would be without something: `drill --json`; `gone` are the deployments.

    Of `calls`, `affected` were served by them: `elsewhere` would be served by others, of them
    `translated` by translation, and `broken` not at all. `aliases` have nobody left.
    """

    without: str
    since: Instant
    gone: list[str]
    calls: int
    affected: int
    elsewhere: int
    translated: int
    broken: int
    posted: Usd
    cost: Usd
    aliases: list[str]
    rows: list[DrillRowView]


PRINTED: dict[str, Any] = {
    "budgets": list[BudgetView],
    "calls": list[CallView],
    "explain": ExplainView,
    "report": ReportView,
    "check-books": BooksView,
    "keys list": list[KeyView],
    "keys create": MadeKeyView,
    "delegate create": DelegateView,
    "delegate show": list[DelegationView],
    "freeze": list[FrozenView],
    "audit show": list[AuditEntryView],
    "audit verify": AuditVerdictView,
    "approvals list": list[ApprovalView],
    "approvals show": ApprovalView,
    "outcomes": list[ResultsView],
    "outcomes import": OutcomesToldView,
    "runs list": list[RunView],
    "runs show": list[RunView],
    "routes": list[RouteView],
    "doctor": DoctorView,
    "reload": ReloadView,
    "drill": DrillView,
    "import": ImportView,
    "plans": PlansView,
    "usage": UsageView,
    "caches": CachesView,
    "reconcile": ReconcileView,
    "backup": BackupView,
    "restore": RestoreView,
    "export focus": ExportedView,
    "export events": ExportedView,
    "export parquet": HistoryView,
    "statement": StatementView,
    "tokens": TokensView,
    "trials": list[TrialView],
    "prices impact": ImpactView,
    "prices restate": RestateView,
    "prices commitments": CommitmentsView,
    "feedback": VoteView,
    "routing models": ModelsView,
    "routing arena": list[RatingView],
    "routing check-policy": PolicyCheckView,
}
"""What each command prints with `--json`."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of all that is printed; `commands` points to each command's."""
    schemas, definitions = msgspec.json.schema_components(
        PRINTED.values(), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What headgate prints with --json",
        "commands": dict(zip(PRINTED, schemas, strict=True)),
        "$defs": definitions,
    }


def render() -> str:
    """Return the schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(schema(), order="sorted"), indent=2).decode()


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
