"""Hard constraints: which deployments may serve a call; each exclusion names its rule; pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from headgate.catalog.settings import Deployment
from headgate.records.conversation import Bound
from headgate.records.demand import Demand
from headgate.routing.candidate import Quoted
from headgate.routing.settings import REGION_ANY


class Speech(NamedTuple):
    """Which dialects are spoken where.

    Attributes:
        native: The dialects of each deployment, by its id, the preferred one first.
        translatable: The dialects whose clients can be served by translation.
        tellable: The dialects that calls can be translated to.
    """

    native: Mapping[str, Collection[str]]
    translatable: Collection[str] = ()
    tellable: Collection[str] = ()

    def is_native(self, deployment: str, dialect: str) -> bool:
        """Tell whether a deployment speaks a dialect itself."""
        return dialect in self.native[deployment]

    def via(self, deployment: str, dialect: str) -> str | None:
        """Return the dialect a call is translated to there, None when it cannot or need not be."""
        native = self.native[deployment]
        if dialect in native or dialect not in self.translatable:
            return None
        return next((each for each in native if each in self.tellable), None)


def exclusion(
    deployment: Deployment,
    demand: Demand,
    *,
    is_native: bool,
    via: str | None,
    bound: Bound | None = None,
) -> str | None:
    """Return the rule that excludes a deployment from a call, None when it is eligible.

    Args:
        deployment: The one in question.
        demand: What the call asks for.
        is_native: Whether the deployment's provider speaks the client's dialect.
        via: The dialect the call would be translated to, None when it cannot be.
        bound: Where the conversation may go, None for anywhere.
    """
    if not is_native and via is None:
        return "dialect"
    if bound is not None and is_native != (bound == "native"):
        return "bound_state"
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
