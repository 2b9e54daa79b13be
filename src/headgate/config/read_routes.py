"""`[routes.ALIAS]`: which deployments may serve an alias."""

from collections.abc import Collection, Mapping

from headgate.catalog.settings import Deployment
from headgate.config.check import checked_by_alias
from headgate.config.problems import Problems
from headgate.config.read_policies import check_named, read_amount
from headgate.config.shapes_routes import RouteShape
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import chosen, policies
from headgate.routing.settings import REGION_ANY, PolicySettings, Route


def routes_from(
    tables: object,
    deployments: Mapping[str, Deployment],
    deployment_ids: Collection[str],
    policy_ids: Collection[str],
    problems: Problems,
) -> dict[str, Route]:
    """Return the good routes by alias.

    Args:
        tables: The file's `routes`.
        deployments: The good deployments.
        deployment_ids: All deployments of the file, so that a wrong one is not a problem twice.
        policy_ids: All policies of the file, for the same reason.
        problems: Where problems are noted.
    """
    known = policies()
    found: dict[str, Route] = {}
    for alias, shape in checked_by_alias(tables, "routes", RouteShape, problems):
        key = f"routes.{alias}"
        if alias in deployment_ids:
            problems.add(
                key,
                f"{alias!r} is a deployment already, and a call that names it must mean one.",
                "Name the route or the deployment otherwise.",
            )
        for name in shape.deployments:
            if name not in deployment_ids:
                problems.unknown(f"{key}.deployments", "deployment", name, deployment_ids)
        if len(set(shape.deployments)) < len(shape.deployments):
            problems.add(f"{key}.deployments", "A deployment is there twice.", "Name each once.")
        check_named(f"{key}.policy", shape.policy, known, policy_ids, problems)
        _check_weights(shape, key, problems)
        _check_regions(shape, deployments, key, problems)
        _check_hedging(shape, key, problems)
        regions = shape.regions or ()
        drops = shape.on_unsupported == "drop"
        found[alias] = Route(
            alias,
            shape.deployments,
            shape.policy,
            shape.weights,
            regions,
            drops,
            marks=shape.cache == "auto",
            defers=shape.defer == "cheap_hours",
            mixes=shape.translated == "mixed",
            keeps=shape.response_cache,
            unbounded_nanos_max=_usd(shape.unbounded_usd_max, f"{key}.unbounded_usd_max", problems),
            call_nanos_max=_usd(shape.call_usd_max, f"{key}.call_usd_max", problems),
            latency_ms_max=shape.latency_ms_max,
            hedge_after_ms=shape.hedge_after_ms,
            provider_shares=_shares(shape, deployments, key, problems),
        )
    return found


def check_hedged(
    routes: Mapping[str, Route], configured: Mapping[str, PolicySettings], problems: Problems
) -> None:
    """Note the routes that say when calls are hedged, and whose calls are none that can be.

    Args:
        routes: By alias.
        configured: The policies of the file by id, all of them good.
        problems: Where problems are noted.
    """
    known = policies()
    for alias, route in routes.items():
        if route.hedge_after_ms is None:
            continue
        leaves = chosen(route.policy, configured, known).leaves()
        if all(
            each.policy.KIND == cascade.KIND and cascade.holds_streams(each.settings)
            for each in leaves
        ):
            problems.add(
                f"routes.{alias}.hedge_after_ms",
                "What a cascade verifies is not hedged, and this one verifies whole replies and"
                " streams.",
                'Leave it out; or write streams = "alone" for the cascade, or give such calls'
                " another route.",
            )


def _usd(amount: str | int | None, place: str, problems: Problems) -> int | None:
    return None if amount is None else read_amount("usd", str(amount), place, problems)


def _shares(
    shape: RouteShape, deployments: Mapping[str, Deployment], key: str, problems: Problems
) -> dict[str, int]:
    listed = {deployments[name].provider for name in shape.deployments if name in deployments}
    found: dict[str, int] = {}
    for provider, text in shape.provider_shares.items():
        place = f"{key}.provider_shares"
        if provider not in listed:
            problems.unknown(place, "provider of the route", provider, sorted(listed))
        share = read_amount("share", str(text), f"{place}.{provider}", problems)
        if share is not None:
            found[provider] = share
    return found


def _check_weights(shape: RouteShape, key: str, problems: Problems) -> None:
    for name in shape.weights:
        if name not in shape.deployments:
            problems.unknown(f"{key}.weights", "deployment of the route", name, shape.deployments)
    if shape.weights and all(shape.weights.get(name, 1) == 0 for name in shape.deployments):
        problems.add(
            f"{key}.weights", "No deployment has a weight.", "Give one of them at least 1."
        )


def _check_regions(
    shape: RouteShape, deployments: Mapping[str, Deployment], key: str, problems: Problems
) -> None:
    known = {deployments[name].region for name in shape.deployments if name in deployments}
    known |= {REGION_ANY}
    for region in shape.regions or ():
        if region not in known:
            named = sorted(one for one in known if one is not None)
            problems.unknown(f"{key}.regions", "region of a deployment", region, named)


def _check_hedging(shape: RouteShape, key: str, problems: Problems) -> None:
    if shape.hedge_after_ms is not None and len(shape.deployments) == 1:
        problems.add(
            f"{key}.hedge_after_ms",
            "The route has one deployment, so no silent call can be sent to another one.",
            "List another deployment, or leave `hedge_after_ms` out.",
        )
