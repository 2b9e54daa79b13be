"""The tables of headgate.toml as types: the loader, the schema and the docs' test read these."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from headgate.budgets.settings import ORGANISATION
from headgate.catalog.settings import Deployment
from headgate.config.shape import (
    Alias,
    Bytes,
    Count,
    CountOrNone,
    Day,
    Name,
    Secret,
    Shape,
    Text,
    Texts,
)
from headgate.config.shapes_budgets import BudgetShape, RunsShape, Weekday
from headgate.config.shapes_edge import (
    AccessLogShape,
    CorsShape,
    LimitsShape,
    ListenShape,
    TlsShape,
)
from headgate.config.shapes_exports import EventsShape, HistoryShape, OtelShape
from headgate.config.shapes_holds import HoldsShape
from headgate.config.shapes_learning import LearningShape
from headgate.config.shapes_prices import (
    CapacityShape,
    CommitmentShape,
    ContractShape,
    ExchangeRateShape,
    FeeShape,
    PriceAliasShape,
    PricesShape,
    SurchargeShape,
)
from headgate.config.shapes_providers import NetworkShape, ProviderShape
from headgate.config.shapes_reconcile import ReconcileShape, ReportsShape
from headgate.config.shapes_routes import PolicyShape, RouteShape
from headgate.gateway.settings import ResponseCache
from headgate.governance.settings import EXPIRES_MINUTES_DEFAULT
from headgate.identity.settings import ANY_MODEL, PrincipalKind
from headgate.insights.settings import EVERYTHING
from headgate.ledger.settings import Idempotency
from headgate.records.journal import Durability
from headgate.records.priority import USUAL, Priority
from headgate.store.settings import Journal
from headgate.trackers.naming import Named

Minutes = Annotated[int, Meta(ge=1, le=43_200)]
Weight = Annotated[int, Meta(ge=1, le=1_000)]
Priorities = Annotated[tuple[Priority, ...], Meta(min_length=1, max_length=10)]

_IDEMPOTENCY = Idempotency()
_RESPONSES = ResponseCache()
_QUEUE_MAX: int = Deployment._field_defaults["queue_max"]
_CONCURRENCY_MAX: int = Deployment._field_defaults["concurrency_max"]


class StoreShape(Shape, frozen=True, kw_only=True):
    """`[store]`: the address of a PostgreSQL database, for the file in the data directory."""

    url: Text | Secret | None = None


class OrganisationShape(Shape, frozen=True, kw_only=True):
    """`[organisation]`: the root of the budget tree, and when its days, weeks and years begin.

    Attributes:
        fiscal_year_starts: The month that years and quarters are counted from.
    """

    id: Text = "default"
    timezone: Text = "UTC"
    fiscal_year_starts: Annotated[int, Meta(ge=1, le=12)] = 1
    week_starts: Weekday = "monday"


class ConsoleShape(Shape, frozen=True, kw_only=True):
    """`[console]`: what a browser must show once, and by which names it may ask."""

    token: Secret | None = None
    names: Texts = ()


class JournalShape(Shape, frozen=True, kw_only=True):
    """`[journal]`: what holds survive; see `store.settings.Journal`."""

    durability: Durability = Journal().durability


class IdempotencyShape(Shape, frozen=True, kw_only=True):
    """`[idempotency]`: calls with a key, and what is kept of them; see `ledger.settings`."""

    keep: bool = _IDEMPOTENCY.keep
    keep_hours: Annotated[int, Meta(ge=1, le=720)] = _IDEMPOTENCY.keep_hours
    reply_bytes_max: Annotated[int, Meta(ge=1, le=4 << 20)] = _IDEMPOTENCY.reply_bytes_max
    replies_bytes_max: Bytes = _IDEMPOTENCY.replies_bytes_max
    keys_max: Count = _IDEMPOTENCY.keys_max


class ResponseCacheShape(Shape, frozen=True, kw_only=True):
    """`[response_cache]`: replies kept to be given again; see `gateway.settings`."""

    ttl_s: Annotated[int, Meta(ge=1, le=604_800)] = _RESPONSES.ttl_s
    bytes_max: Bytes = _RESPONSES.bytes_max
    reply_bytes_max: Annotated[int, Meta(ge=1, le=16 << 20)] = _RESPONSES.reply_bytes_max
    shared: Literal["principal", "team"] = _RESPONSES.shared
    wait_max_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = _RESPONSES.wait_max_ms


class DeploymentShape(Shape, frozen=True, kw_only=True):
    """`[deployments.ID]`: a model over a provider.

    Attributes:
        catalog: `seller/model` whose prices and facts apply; None for the provider's seller
            and `model`.
        context_tokens: None for the catalog's fact, as with the two after it.
        dialects: None for those of the provider's that its kind says the model speaks.
        hidden_reasoning: Whether it may think in tokens that its stream does not show; None for
            what the catalog says, and True of a model that it does not know.
        capabilities: None for those the catalog knows; of a model it does not know, any.
        region: None for the provider's, as with the three after it.
        tokenizer: None for the catalog's.
    """

    provider: Text
    model: Text
    catalog: Text | None = None
    dialects: Texts | None = None
    context_tokens: Count | None = None
    output_tokens_max: Count | None = None
    output_tokens_default: Count | None = None
    hidden_reasoning: bool | None = None
    capabilities: Texts | None = None
    tokenizer: Text | None = None
    concurrency_max: Count = _CONCURRENCY_MAX
    queue_max: CountOrNone = _QUEUE_MAX
    region: Text | None = None
    retention_days: CountOrNone | None = None
    trains_on_data: bool | None = None
    certifications: Mapping[str, Day] | None = None


class TeamShape(Shape, frozen=True, kw_only=True):
    """`[teams.ID]`: a node of the budget tree, and its share of scarce places.

    Attributes:
        priorities: The classes its calls may have, the usual one first.
        parent: The team above it; None for the organisation.
        requests_per_minute: What its calls may take; None without a limit, as for tokens.
    """

    share: Weight = 1
    parent: Text | None = None
    priorities: Priorities = USUAL
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


class PrincipalShape(Shape, frozen=True, kw_only=True):
    """`[principals.ID]`: who answers for a call."""

    team: Text = "default"
    kind: PrincipalKind = "person"
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


class KeyShape(Shape, frozen=True, kw_only=True):
    """`[keys.ID]`: a credential; without a secret it is made by `headgate keys create`.

    Attributes:
        priorities: Some of its team's; None for all of them.
        tags: What every call of it is tagged with.
        tags_allowed: What its calls may add, `NAME=VALUE` or `NAME=*`; None for nothing.
        until: The day on which it is not valid any more, or the moment; None for never.
    """

    principal: Text
    secret: Secret | None = None
    models: Texts = (ANY_MODEL,)
    priorities: Priorities | None = None
    data_classes: Texts | None = None
    tags: Mapping[str, Text] = {}
    tags_allowed: Texts | None = None
    until: Day | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


class DataClassShape(Shape, frozen=True, kw_only=True):
    """`[data_classes.ID]`: what calls can say that they carry, by `x-headgate-data-class`."""

    note: str = ""
    default: bool = False


class RequirementShape(Shape, frozen=True, kw_only=True):
    """`[requirements.ID]`: what whoever serves certain calls has to satisfy.

    Attributes:
        data_classes: None: whatever the calls carry.
        residency: None for anywhere, as `regions`.
        retention_days_max: None: it does not matter.
        training: Whether it may train on what it is sent.
        providers: None for all.
    """

    nodes: Texts = (ORGANISATION,)
    data_classes: Texts | None = None
    residency: Texts | None = None
    regions: Texts | None = None
    retention_days_max: CountOrNone | None = None
    training: bool = True
    certifications: Texts | None = None
    providers: Texts | None = None
    providers_denied: Texts | None = None


class WebhookShape(Shape, frozen=True, kw_only=True):
    """`[webhooks.ID]`: who is told of changes, each signed with the secret.

    Attributes:
        actions: Beginnings of the actions it is told of; `*` for all.
        allow_plain_http: Lets `http://` reach another machine, unencrypted.
    """

    url: Text
    secret: Secret
    actions: Texts = (EVERYTHING,)
    allow_plain_http: bool = False


class OutcomeHookShape(Shape, frozen=True, kw_only=True):
    """`[outcome_hooks.ID]`: where a tracker tells how work ended; one of `principal` and `team`.

    Attributes:
        branch: A pattern of branches in which `*` stands for a name; None: they name nothing.
        label: Likewise of labels.
        names: What both name.
        task: What kind of work it tells of.
    """

    kind: Text
    secret: Secret
    principal: Text | None = None
    team: Text | None = None
    branch: Text | None = None
    label: Text | None = None
    names: Named = "run"
    task: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class ApprovalShape(Shape, frozen=True, kw_only=True):
    """`[approvals.ID]`: which calls wait until a person has decided.

    Attributes:
        approvers: Principals, any one of whom decides.
        over_usd: The call's hold must be above it; None for no such condition, as with the next.
        expires_minutes: After so long nobody can decide any more.
        show_prompt: Whether approvers see the beginning of the body.
        budget_raises: The rule is about raises of limits, not about calls.
    """

    approvers: Texts
    node: Text = ORGANISATION
    over_usd: Text | CountOrNone | None = None
    data_classes: Texts | None = None
    models: Texts | None = None
    expires_minutes: Minutes = EXPIRES_MINUTES_DEFAULT
    show_prompt: bool = False
    budget_raises: bool = False


class FileShape(Shape, frozen=True, kw_only=True):
    """The whole of headgate.toml."""

    listen: ListenShape = ListenShape()
    tls: TlsShape | None = None
    access_log: AccessLogShape | None = None
    cors: CorsShape | None = None
    organisation: OrganisationShape = OrganisationShape()
    console: ConsoleShape = ConsoleShape()
    store: StoreShape = StoreShape()
    limits: LimitsShape = LimitsShape()
    journal: JournalShape = JournalShape()
    idempotency: IdempotencyShape = IdempotencyShape()
    response_cache: ResponseCacheShape = ResponseCacheShape()
    learning: LearningShape = LearningShape()
    holds: HoldsShape = HoldsShape()
    network: NetworkShape = NetworkShape()
    providers: Mapping[Name, ProviderShape] = {}
    deployments: Mapping[Name, DeploymentShape] = {}
    prices: tuple[PricesShape, ...] = ()
    price_aliases: tuple[PriceAliasShape, ...] = ()
    exchange_rates: tuple[ExchangeRateShape, ...] = ()
    fees: tuple[FeeShape, ...] = ()
    contracts: Mapping[Name, ContractShape] = {}
    surcharges: Mapping[Name, SurchargeShape] = {}
    commitments: Mapping[Name, CommitmentShape] = {}
    capacities: Mapping[Name, CapacityShape] = {}
    routes: Mapping[Alias, RouteShape] = {}
    policies: Mapping[Name, PolicyShape] = {}
    teams: Mapping[Name, TeamShape] = {}
    principals: Mapping[Name, PrincipalShape] = {}
    keys: Mapping[Name, KeyShape] = {}
    budgets: Mapping[Name, BudgetShape] = {}
    runs: RunsShape = RunsShape()
    webhooks: Mapping[Name, WebhookShape] = {}
    outcome_hooks: Mapping[Name, OutcomeHookShape] = {}
    requirements: Mapping[Name, RequirementShape] = {}
    data_classes: Mapping[Name, DataClassShape] = {}
    approvals: Mapping[Name, ApprovalShape] = {}
    reconcile: ReconcileShape = ReconcileShape()
    reports: Mapping[Name, ReportsShape] = {}
    otel: OtelShape = OtelShape()
    events: Mapping[Name, EventsShape] = {}
    history: HistoryShape = HistoryShape()


TableKind = Literal["single", "named", "list"]
TABLES: Mapping[str, tuple[TableKind, type[Shape]]] = {
    "listen": ("single", ListenShape),
    "tls": ("single", TlsShape),
    "access_log": ("single", AccessLogShape),
    "cors": ("single", CorsShape),
    "organisation": ("single", OrganisationShape),
    "console": ("single", ConsoleShape),
    "store": ("single", StoreShape),
    "limits": ("single", LimitsShape),
    "journal": ("single", JournalShape),
    "idempotency": ("single", IdempotencyShape),
    "response_cache": ("single", ResponseCacheShape),
    "learning": ("single", LearningShape),
    "holds": ("single", HoldsShape),
    "network": ("single", NetworkShape),
    "providers": ("named", ProviderShape),
    "deployments": ("named", DeploymentShape),
    "prices": ("list", PricesShape),
    "price_aliases": ("list", PriceAliasShape),
    "exchange_rates": ("list", ExchangeRateShape),
    "fees": ("list", FeeShape),
    "contracts": ("named", ContractShape),
    "surcharges": ("named", SurchargeShape),
    "commitments": ("named", CommitmentShape),
    "capacities": ("named", CapacityShape),
    "routes": ("named", RouteShape),
    "policies": ("named", PolicyShape),
    "teams": ("named", TeamShape),
    "principals": ("named", PrincipalShape),
    "keys": ("named", KeyShape),
    "budgets": ("named", BudgetShape),
    "runs": ("single", RunsShape),
    "webhooks": ("named", WebhookShape),
    "outcome_hooks": ("named", OutcomeHookShape),
    "requirements": ("named", RequirementShape),
    "data_classes": ("named", DataClassShape),
    "approvals": ("named", ApprovalShape),
    "reconcile": ("single", ReconcileShape),
    "reports": ("named", ReportsShape),
    "otel": ("single", OtelShape),
    "events": ("named", EventsShape),
    "history": ("single", HistoryShape),
}
"""Every table of the file, by name: one table, tables by id, or a list of tables."""
