"""Hard constraints: which deployments may serve a call; each exclusion names its rule; pure."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from headgate.catalog.settings import Deployment
from headgate.records.conversation import Bound
from headgate.records.demand import Demand


class Speech(NamedTuple):
    """Which dialects are spoken where.

    Attributes:
        native: The dialects of each deployment, by its id, the preferred one first.
        translatable: The dialects that can be translated into each other.
    """

    native: Mapping[str, Collection[str]]
    translatable: Collection[str] = ()

    def is_native(self, deployment: str, dialect: str) -> bool:
        """Tell whether a deployment speaks a dialect itself."""
        return dialect in self.native[deployment]

    def via(self, deployment: str, dialect: str) -> str | None:
        """Return the dialect a call is translated to there, None when it cannot or need not be."""
        native = self.native[deployment]
        if dialect in native or dialect not in self.translatable:
            return None
        return next((each for each in native if each in self.translatable), None)


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
