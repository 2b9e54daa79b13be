"""`[routes.ALIAS]`: which deployments may serve an alias."""

from collections.abc import Collection

from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.shapes import RouteShape
from headgate.routing.policies.registry import policies
from headgate.routing.settings import Route


def routes_from(
    tables: object, deployment_ids: Collection[str], problems: Problems
) -> dict[str, Route]:
    """Return the good routes by alias."""
    known = policies()
    found: dict[str, Route] = {}
    for alias, shape in checked_by_id(tables, "routes", RouteShape, problems):
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
        if shape.policy not in known:
            problems.unknown(f"{key}.policy", "policy", shape.policy, known)
        found[alias] = Route(
            alias, shape.deployments, shape.policy, drops=shape.on_unsupported == "drop"
        )
    return found
