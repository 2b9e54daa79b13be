"""Hard constraints: which deployments may serve a call; each exclusion names its rule; pure."""

from collections.abc import Collection, Sequence

from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand
from headgate.routing.candidate import Quoted
from headgate.routing.settings import REGION_ANY


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


def outside(ranked: Sequence[Quoted], regions: Collection[str]) -> frozenset[str]:
    """Return the deployments a call may not move to after it was sent to another of `ranked`.

    All that are left are in the region of the first, or all in one of `regions`: so wherever a
    call begins among them, it may go on at any of them.

    Args:
        ranked: In the policy's order.
        regions: Among which a call may move; `*` for any. A deployment whose region is not known
            is in none of them.
    """
    if not ranked or REGION_ANY in regions:
        return frozenset()
    first = ranked[0].deployment.region
    allowed = set(regions) if first in regions else {first}
    return frozenset(
        quoted.deployment.id for quoted in ranked if quoted.deployment.region not in allowed
    )
