"""Hard constraints: which deployments may serve a call; each exclusion names its rule; pure."""

from collections.abc import Collection

from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand


def exclusion(
    deployment: Deployment, demand: Demand, *, dialect: str, native: Collection[str]
) -> str | None:
    """Return the rule that excludes a deployment from a call, None when it is eligible.

    Args:
        deployment: The one in question.
        demand: What the call asks for.
        dialect: The wire format of the client.
        native: The dialects the deployment's provider speaks.
    """
    if dialect not in native:
        return "dialect"
    if (demand.output_tokens_max or 0) > 0 and deployment.output_tokens_max <= 0:
        return "no_output"
    return None
