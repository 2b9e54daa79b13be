"""What `--json` prints of who decided what: the audit chain, and what hangs on it."""

from headgate.insights.printed import Instant, Printed, Usd


class AuditEntryView(Printed, frozen=True, kw_only=True):
    """An entry of the audit chain: `audit show --json` prints a list, newest first."""

    seq: int
    at: Instant
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | None]
    hash: str


class AuditVerdictView(Printed, frozen=True, kw_only=True):
    """Whether the chain is whole: `audit verify --json`.

    `broken_at` is the first entry that does not fit, `head_found` whether a head that was given
    is still in the chain; null: none was given.
    """

    whole: bool
    entries: int
    head: str
    broken_at: int | None
    head_found: bool | None


class DelegationView(Printed, frozen=True, kw_only=True):
    """One generation of a token: `delegate show --json` prints a list, from the key's own child.

    What is null is as it is one generation above.
    """

    id: str
    key: str
    agent: str
    models: list[str] | None
    tools: list[str] | None
    money: Usd | None
    until: Instant | None
    depth: int | None


class DelegateView(Printed, frozen=True, kw_only=True):
    """A token that was minted, and what it says: `delegate create --json`."""

    token: str
    chain: list[DelegationView]


class OutcomesToldView(Printed, frozen=True, kw_only=True):
    """What a repository's history told: `outcomes import --json`; `reverted` of those told."""

    commits: int
    told: int
    reverted: int
    refused: list[str]


class ResultsView(Printed, frozen=True, kw_only=True):
    """What results cost: `outcomes --json` prints a list, the dearest first.

    `name` is null for outcomes that have none; `reopened` counts successes that were taken back;
    `spend_per_success` counts failures' cost, and is null without a success.
    """

    name: str | None
    outcomes: int
    successes: int
    reopened: int
    spend: Usd
    spend_per_success: Usd | None
    human_seconds: int
    value: Usd


class ApprovalView(Printed, frozen=True, kw_only=True):
    """What a person is, or was, asked: `approvals list --json` prints a list, the newest first.

    `quote` is null when no price is known, `output_tokens_max` when the client gives no limit.
    Of a raise (`kind`) only `budget`, `by`, `until` and `why` are told, which calls have not.
    """

    id: str
    kind: str
    status: str
    rule: str
    at: Instant
    expires_at: Instant
    principal: str
    team: str
    key: str
    chain: list[str]
    run: str | None
    model: str | None
    quote: Usd | None
    data_class: str | None
    stream: bool | None
    output_tokens_max: int | None
    tools: list[str]
    body_bytes: int | None
    body_sha256: str | None
    prompt: str | None
    budget: str | None
    by: Usd | None
    until: Instant | None
    why: str | None
    digest: str
    decided_by: str | None
    decided_at: Instant | None
    reason: str | None
    call: str | None
    used_by: str | None


class FrozenView(Printed, frozen=True, kw_only=True):
    """A node that may not spend: `freeze --json` prints a list of them; no reason is empty."""

    node: str
    since: Instant
    reason: str
