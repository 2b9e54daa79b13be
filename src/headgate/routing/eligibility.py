"""Hard constraints: which deployments may serve a call; each exclusion names its rule; pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from headgate.catalog.settings import Deployment
from headgate.records.conversation import Bound
from headgate.records.demand import Demand
from headgate.routing.candidate import Quoted
from headgate.routing.settings import REGION_ANY, Route
from headgate.units.money import format_usd


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


OWN_RULES = frozenset(
    {"capability", "context", "price_ceiling", "latency_ceiling", "provider_share"}
)
"""The rules that pass a candidate over for what the call is, or for a ceiling of its route."""


TOLD_OF_CALLS = frozenset({"images", "json_schema", "thinking", "tools"})
"""The capabilities of which it is known whether a call needs them."""


def lacks_something(deployments: Sequence[Deployment]) -> bool:
    """Tell whether one of several is known to lack what a call may need."""
    return len(deployments) > 1 and any(
        each.capabilities is not None and not each.capabilities >= TOLD_OF_CALLS
        for each in deployments
    )


def wanted(demand: Demand) -> tuple[str, ...]:
    """Return the capabilities a call needs, in the catalog's words.

    Audio and documents are not told from other parts of a prompt.
    """
    found: list[str] = []
    if demand.images:
        found.append("images")
    for member in _STRUCTURED:
        said = demand.members.get(member)
        if said is not None and any(sign in bytes(said) for sign in _SIGNS):
            found.append("json_schema")
            break
    if demand.thinking_tokens:
        found.append("thinking")
    if demand.tools:
        found.append("tools")
    return tuple(found)


_STRUCTURED = (
    *("response_format", "text", "output_config", "output_format"),
    *("generationConfig", "generation_config"),
)
_SIGNS = (b'"json_schema"', b'"responseSchema"', b'"response_schema"', b'"responseJsonSchema"')


class Carried(NamedTuple):
    """What a call carries, as far as a deployment may not be able to take it.

    Attributes:
        wants: The capabilities it needs.
        tokens: About how long its prompt and answer are.
        tokens_max: The longest context of all candidates. Where even that is too short nobody is
            passed over: the estimate is rough, and the provider counts.
    """

    wants: tuple[str, ...]
    tokens: int
    tokens_max: int


def cannot(deployment: Deployment, carried: Carried) -> str | None:
    """Return what a deployment cannot do for a call, None when it can, or it is not known."""
    wants, tokens, tokens_max = carried
    known = deployment.capabilities
    missing = () if known is None else [each for each in wants if each not in known]
    if missing:
        return f"capability: asked {' and '.join(missing)}"
    if deployment.context_tokens < tokens <= tokens_max:
        return f"context: about {tokens} tokens, takes {deployment.context_tokens}"
    return None


def beyond(quoted: Quoted, route: Route) -> str | None:
    """Return which ceiling of its route a candidate is expected to exceed, None for neither.

    What has no price may cost anything; what was not measured lately is not passed over for it.
    """
    if route.call_nanos_max is not None and (
        quoted.expected_nanos is None or quoted.net_nanos > route.call_nanos_max
    ):
        most = format_usd(route.call_nanos_max)
        cost = "unknown" if quoted.expected_nanos is None else format_usd(quoted.net_nanos)
        return f"price_ceiling: at most {most} USD, is {cost}"
    latency_ms = quoted.expected.latency_ms
    most_ms = route.latency_ms_max
    if most_ms is not None and latency_ms is not None and latency_ms > most_ms:
        return f"latency_ceiling: at most {most_ms} ms, is {latency_ms}"
    return None


def crowded(
    quoted: Sequence[Quoted], caps: Mapping[str, int], shares: Mapping[str, int]
) -> dict[str, str]:
    """Return whom to pass over because its provider has its share of the spend, with the rule.

    Nobody is when nobody else would be left: a cap says where money goes, not that none may.

    Args:
        quoted: The candidates.
        caps: By provider, the most of the spend it may have, in millionths.
        shares: By provider, what it has had lately.
    """
    over = {name for name, most in caps.items() if shares.get(name, 0) >= most}
    if not over or all(one.deployment.provider in over for one in quoted):
        return {}
    return {
        one.deployment.id: f"provider_share: {one.deployment.provider} has its share"
        for one in quoted
        if one.deployment.provider in over
    }


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
