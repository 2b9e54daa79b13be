"""Loading headgate.toml: from a file and the environment to a snapshot, or to all its problems."""

import re
import tomllib
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from headgate.catalog.commitments import Agreements
from headgate.catalog.load import load_models, load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.config.check import ids_of
from headgate.config.problems import Problems, near
from headgate.config.read_agreements import agreements_from
from headgate.config.read_approvals import Named, approvals_from
from headgate.config.read_budgets import Nodes, budgets_from
from headgate.config.read_carving import Callers
from headgate.config.read_compliance import Known, data_classes_from, requirements_from
from headgate.config.read_deployments import deployments_from
from headgate.config.read_edge import edge_from
from headgate.config.read_exports import exports_from
from headgate.config.read_identity import keys_from, narrowed, principals_from, teams_from
from headgate.config.read_learning import learning_from
from headgate.config.read_network import (
    console_from,
    holds_from,
    idempotency_from,
    journal_from,
    response_cache_from,
)
from headgate.config.read_organisation import organisation_from
from headgate.config.read_outcome_hooks import outcome_hooks_from
from headgate.config.read_policies import check_deployments, check_used, policies_from
from headgate.config.read_prices import price_book_from
from headgate.config.read_providers import providers_from
from headgate.config.read_reach import network_from
from headgate.config.read_reconcile import reconcile_from
from headgate.config.read_routes import check_hedged, routes_from
from headgate.config.read_runs import runs_from
from headgate.config.read_store import store_url_from
from headgate.config.read_webhooks import webhooks_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes import TABLES
from headgate.config.snapshot import Snapshot
from headgate.providers.settings import Provider
from headgate.routing.settings import PolicySettings, Route

FILE_BYTES_MAX = 8 << 20
_PLACE = re.compile(r" \(at (?P<place>.*)\)$")


def load(
    path: Path,
    environ: Mapping[str, str],
    *,
    secrets_of: Collection[str] | None = None,
    text: bytes | None = None,
) -> Snapshot:
    """Return what the configuration file says, resolved; relative paths start at its folder.

    Args:
        path: The file.
        environ: The environment that secrets may stand in.
        secrets_of: The tables whose secrets are read, None for all: nobody has secrets in memory
            that are not needed there. An empty text stands for one that is not read.
        text: What the file said at another time, to be read instead of it; None reads the file.

    Raises:
        ConfigurationError: It cannot be used; carries every problem that was found.
    """
    problems = Problems(str(path))
    document = _document(path, text, problems)
    problems.raise_if_any()
    read = TABLES if secrets_of is None else secrets_of
    secrets = SecretReader(environ, path.parent, problems, read)
    snapshot = _snapshot(document, secrets, path, problems)
    problems.raise_if_any()
    return snapshot


def _document(path: Path, text: bytes | None, problems: Problems) -> dict[str, Any]:
    try:
        data = path.read_bytes() if text is None else text
        if len(data) > FILE_BYTES_MAX:
            problems.add("file", "It is larger than 8 MiB.", "Name a headgate.toml.")
            return {}
        problems.text = data.decode("utf-8")
        return tomllib.loads(problems.text, parse_float=Decimal)
    except OSError as error:
        fix = "Write one with: headgate init, or name another with --config."
        problems.add("file", f"It cannot be read: {error.strerror}.", fix)
    except UnicodeDecodeError as error:
        problems.add("file", f"Byte {error.start} is not UTF-8.", "Save the file as UTF-8.")
    except tomllib.TOMLDecodeError as error:
        trouble = str(error)
        place = _PLACE.search(trouble)
        where = place["place"] if place else "end"
        fix = "Correct the TOML there; texts stand in double quotes."
        problems.add(where, f"{_PLACE.sub('', trouble)}.", fix)
    except (ArithmeticError, RecursionError, ValueError):
        trouble = "A number in it is too large, or arrays and tables nest too deeply."
        problems.add("file", trouble, "Write smaller numbers and nest less.")
    return {}


def _snapshot(
    document: dict[str, Any], secrets: SecretReader, path: Path, problems: Problems
) -> Snapshot:
    _check_names(document, problems)
    organisation = organisation_from(document.get("organisation", {}), problems)
    edge = edge_from(document, secrets, path.parent, problems)
    console = console_from(document, secrets, problems)
    deployment_ids = ids_of(document.get("deployments"))
    network = network_from(document.get("network", {}), secrets, problems)
    tables = document.get("providers", {})
    providers = providers_from(tables, network, secrets, path.parent, problems)
    deployments, book, agreements = _offers(document, providers, problems)
    policies, routes = _routing(document, deployments, problems)
    teams = teams_from(document.get("teams", {}), problems)
    principals = principals_from(document.get("principals", {}), teams, problems)
    principal_ids = ids_of(document.get("principals"))
    asked = (*ids_of(document.get("routes")), *deployment_ids)
    data_classes = data_classes_from(document.get("data_classes", {}), problems)
    named = Named(teams, principal_ids, asked, data_classes)
    keys = keys_from(document.get("keys", {}), named, organisation.zone, secrets, problems)
    keys = narrowed(keys, principals, teams, problems)
    known = _known(document, teams, deployments, data_classes)
    nodes = Nodes.of(known, deployment_ids, Callers(teams, principals, keys))
    return Snapshot(
        file=str(path),
        organisation=organisation.id,
        zone=organisation.zone,
        edge=edge._replace(hooks=outcome_hooks_from(document, named, secrets, problems)),
        idempotency=idempotency_from(document, problems),
        response_cache=response_cache_from(document, problems),
        learning=learning_from(document, problems),
        holds=holds_from(document, problems),
        journal=journal_from(document, problems),
        console=console,
        store_url=store_url_from(document, secrets, problems),
        resolving=network.resolving,
        providers=providers,
        deployments=deployments,
        routes=routes,
        policies=policies,
        teams=teams,
        principals=principals,
        keys=keys,
        budgets=budgets_from(document.get("budgets", {}), nodes, organisation, problems),
        runs=runs_from(document.get("runs", {}), problems),
        requirements=requirements_from(document.get("requirements", {}), known, problems),
        data_classes=data_classes,
        webhooks=webhooks_from(document.get("webhooks", {}), secrets, problems),
        approvals=approvals_from(document.get("approvals", {}), named, problems),
        reconcile=reconcile_from(document, providers, secrets, path.parent, problems),
        price_book=book,
        exports=exports_from(document, teams, secrets, path.parent, problems),
        agreements=agreements,
    )


def _known(
    document: dict[str, Any],
    teams: Collection[str],
    deployments: Mapping[str, Deployment],
    data_classes: Collection[str],
) -> Known:
    """Return what the file has, as nodes and requirements may name it."""
    ids = {"principal": ids_of(document.get("principals")), "key": ids_of(document.get("keys"))}
    providers = ids_of(document.get("providers"))
    return Known({"team": teams, **ids}, providers, deployments.values(), data_classes)


def _check_names(document: dict[str, Any], problems: Problems) -> None:
    for name in document:
        if name not in TABLES:
            problems.add(name, "There is no such table.", near(name, TABLES, "table"))


def _routing(
    document: dict[str, Any], deployments: Mapping[str, Deployment], problems: Problems
) -> tuple[dict[str, PolicySettings], dict[str, Route]]:
    """Return the policies and the routes that go by them."""
    before = len(problems.found)
    policies = policies_from(document.get("policies", {}), problems)
    ids, listed = ids_of(document.get("policies")), ids_of(document.get("deployments"))
    routes = routes_from(document.get("routes", {}), deployments, listed, ids, problems)
    if all(_spares_policies(each.key) for each in problems.found[before:]):
        check_hedged(routes, policies, problems)
    check_deployments(policies, listed, problems)
    check_used(policies, [route.policy for route in routes.values()], problems)
    return policies, routes


def _spares_policies(key: str) -> bool:
    """Tell whether it is known, for all of a problem, which policies there are and whose parts."""
    return not (key.startswith("policies") or key.endswith(".policy"))


def _offers(
    document: dict[str, Any], providers: Mapping[str, Provider], problems: Problems
) -> tuple[dict[str, Deployment], PriceBook, Agreements]:
    """Return what can be called, what it costs, and what is owed beside."""
    ids = ids_of(document.get("providers"))
    tables = document.get("deployments", {})
    deployments = deployments_from(tables, providers, ids, load_models(), problems)
    rows = document.get("prices", [])
    book = price_book_from(rows, load_price_book(), providers, ids, problems)
    book, agreements = agreements_from(document, book, (providers, deployments), problems)
    return deployments, book, agreements
