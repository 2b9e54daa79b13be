"""The immutable whole of a configuration that was found valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from headgate.budgets.settings import Budget, RunLimits
from headgate.catalog.commitments import NO_AGREEMENTS, Agreements
from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.config.addresses import in_brackets
from headgate.dial.settings import Resolving
from headgate.exports.settings import NO_EXPORTS, Exports
from headgate.gateway.settings import RESPONSES_USUAL, Edge, ResponseCache
from headgate.governance.settings import DataClass, Requirement, Rule
from headgate.identity.settings import (
    UNLIMITED,
    Key,
    PerMinute,
    Principal,
    Team,
    lineage_of,
)
from headgate.insights.settings import Webhook
from headgate.ledger.settings import Expected, Idempotency
from headgate.providers.settings import Provider
from headgate.reconcile.settings import Reconcile
from headgate.routing.learning.settings import USUAL, Learning
from headgate.routing.settings import PolicySettings, Route
from headgate.store.settings import Journal


@dataclass(frozen=True, slots=True)
class ConsoleListen:
    """Where the console listens.

    Attributes:
        token: What a browser must show once, None on a loopback address.
        names: What browsers may call it beside its own address, as they write it: with the port
            unless that is the usual one of their protocol.
    """

    host: str = "127.0.0.1"
    port: int = 8081
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()

    def url(self, port: int) -> str:
        """Return its address at a port: that of `port`, unless it was 0."""
        return f"http://{in_brackets(self.host)}:{port}"

    def hosts(self, port: int) -> frozenset[str]:
        """Return the `Host` headers that it answers to at a port."""
        own = {self.host, "127.0.0.1", "localhost"}
        return frozenset({*(f"{in_brackets(name)}:{port}" for name in own), *self.names})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the configuration file says, resolved; mappings are in file order.

    Attributes:
        organisation: Id of the root node.
        zone: Where calendar months begin.
        store_url: Address of the PostgreSQL database that has the store, None for the SQLite file
            in the data directory; empty where it is a secret that was not read.
        resolving: How long addresses of names are kept.
        price_book: Set by `config.load` from the built-in rows and the file's own.
        agreements: What is owed to providers beside the prices of calls.
    """

    file: str
    organisation: str
    zone: tzinfo
    edge: Edge
    idempotency: Idempotency
    holds: Expected
    journal: Journal
    console: ConsoleListen
    store_url: str | None = field(repr=False)
    resolving: Resolving
    providers: Mapping[str, Provider]
    deployments: Mapping[str, Deployment]
    routes: Mapping[str, Route]
    teams: Mapping[str, Team]
    principals: Mapping[str, Principal]
    keys: Mapping[str, Key]
    budgets: Mapping[str, Budget]
    runs: RunLimits
    webhooks: Mapping[str, Webhook]
    requirements: Mapping[str, Requirement]
    data_classes: Mapping[str, DataClass]
    approvals: Mapping[str, Rule]
    reconcile: Reconcile
    price_book: PriceBook
    learning: Learning = USUAL
    response_cache: ResponseCache = RESPONSES_USUAL
    exports: Exports = NO_EXPORTS
    agreements: Agreements = NO_AGREEMENTS
    policies: Mapping[str, PolicySettings] = field(default_factory=dict)

    def lineages(self) -> dict[str, tuple[str, ...]]:
        """Return every team with the teams above it in order, by its id."""
        return {team: lineage_of(team, self.teams) for team in self.teams}

    def per_minute(self) -> dict[str, PerMinute]:
        """Return what nodes may take a minute, by node; who has no limit is not there."""
        nodes = {f"key:{each.id}": each.per_minute for each in self.keys.values()}
        nodes |= {f"principal:{each.id}": each.per_minute for each in self.principals.values()}
        nodes |= {f"team:{each.id}": each.per_minute for each in self.teams.values()}
        return {node: limits for node, limits in nodes.items() if limits != UNLIMITED}
