"""A configuration in which simulated providers stand for those of another.

What is kept of a file is named here, so that a table nobody thought of brings no address, secret or
file into a run: what routes calls, prices them and forbids them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from headgate.config.snapshot import Snapshot
from headgate.providers.registry import Provider as Kind
from headgate.providers.registry import providers
from headgate.simulator.anywhere import placed

KEPT = (
    *("organisation", "teams", "principals", "deployments", "routes", "policies"),
    *("prices", "price_aliases", "exchange_rates", "fees", "contracts", "surcharges"),
    *("requirements", "data_classes"),
)
KEPT_OF_PROVIDERS = (
    *("seller", "on_disconnect", "output_limit_field", "region", "retention_days"),
    *("trains_on_data", "certifications", "dialects"),
)
NOT_OF_ROUTES = ("defer", "response_cache")
"""What would give calls an answer later, or one that was kept."""

LIMIT_USD = "1000000"
"""A limit that nothing reaches, so that all is held, posted and counted as it is under budgets."""

Document = dict[str, Any]


class Standing(NamedTuple):
    """How a provider is stood in for.

    Attributes:
        kind: The kind that speaks to its stand-in; its own where that can.
        unserved: Its deployments that no stand-in speaks for.
    """

    kind: str
    unserved: tuple[str, ...]


def standing_of(snapshot: Snapshot, provider: str) -> Standing:
    """Return how a provider is stood in for: by its own kind, or one that serves most of it."""
    kinds = providers()
    own = snapshot.providers[provider].kind
    spoken = {
        each.id: each.dialects or snapshot.providers[provider].dialects
        for each in snapshot.deployments.values()
        if each.provider == provider
    }

    def unserved(kind: str) -> tuple[str, ...]:
        return tuple(
            name
            for name, dialects in spoken.items()
            if not any(_is_served(kinds[kind], dialect) for dialect in dialects)
        )

    best = min((own, *sorted(kinds)), key=lambda kind: (len(unserved(kind)), kind != own))
    return Standing(best, unserved(best))


def _is_served(kind: Kind, dialect: str) -> bool:
    """Tell whether a kind posts a dialect to a path that simulated providers have."""
    try:
        return placed(kind.path(dialect, "/v1")) is not None
    except ValueError:
        return False


class Caller(NamedTuple):
    """Who calls: a key, with the secret it has in the runs.

    Attributes:
        budgeted: Whether budgets stood above its calls: nothing unpriced may serve them then.
    """

    key: str
    principal: str
    secret: str
    budgeted: bool


def stood_in(
    document: Document,
    snapshot: Snapshot,
    addresses: Mapping[str, str],
    callers: Iterable[Caller],
) -> Document:
    """Return a configuration as another one is, save whom it calls and who calls it.

    Args:
        document: The other, as it stands in its file.
        snapshot: The same, understood.
        addresses: Where each provider's stand-in answers.
        callers: Whose keys it has, beside those of the file, which get no secret.
    """
    made: Document = {name: document[name] for name in KEPT if name in document}
    standing = {name: standing_of(snapshot, name) for name in addresses}
    lost = {name for each in standing.values() for name in each.unserved}
    made["listen"] = {"gateway": "127.0.0.1:0", "console": "127.0.0.1:0"}
    made["providers"] = {
        name: _provider(document["providers"][name], snapshot, name, url, standing[name].kind)
        for name, url in addresses.items()
    }
    made["deployments"] = {
        name: table
        if standing[table["provider"]].kind == snapshot.providers[table["provider"]].kind
        else _without(table, ("dialects",))
        for name, table in document["deployments"].items()
        if name not in lost
    }
    made["routes"] = {
        name: {**_without(table, NOT_OF_ROUTES), "deployments": left}
        for name, table in document.get("routes", {}).items()
        if (left := [each for each in table["deployments"] if each not in lost])
    }
    made["keys"] = {
        name: _without(table, ("secret",)) for name, table in document.get("keys", {}).items()
    }
    made["budgets"] = {}
    for caller in callers:
        table = made["keys"].get(caller.key, {"principal": caller.principal})
        made["keys"][caller.key] = table | {"secret": {"value": caller.secret}}
        made["principals"] = {caller.principal: {}} | made.get("principals", {})
        if caller.budgeted:
            node = f"principal:{caller.principal}"
            made["budgets"][caller.principal] = {
                "node": node,
                "period": "once",
                "limit_usd": LIMIT_USD,
            }
    return made


def _provider(table: Document, snapshot: Snapshot, name: str, url: str, kind: str) -> Document:
    known = snapshot.providers[name]
    kept = {key: table[key] for key in KEPT_OF_PROVIDERS if key in table}
    if kind != known.kind:
        kept.pop("dialects", None)
    return kept | {
        "kind": kind,
        "base_url": f"{url}/v1",
        # A loopback address does not say whose prices hold.
        "seller": known.seller,
        "credential": {"value": "stand-in"},
    }


def _without(table: Document, names: tuple[str, ...]) -> Document:
    return {name: value for name, value in table.items() if name not in names}
