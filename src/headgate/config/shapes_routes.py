"""`[routes.ALIAS]` and `[policies.ID]`: where calls may go, and what orders the candidates."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from headgate.config.shape import Count, CountOrNone, Shape, Text, Texts

Amount = Text | CountOrNone
"""Dollars, or a share of 1, as text."""

Silence = Annotated[int, Meta(ge=250, le=600_000)]
"""Milliseconds. Silent calls are looked for four times a second."""


class RouteShape(Shape, frozen=True, kw_only=True):
    """`[routes.ALIAS]`: the deployments that may serve an alias, and the policy.

    Attributes:
        policy: A kind, or the id of a configured policy.
        weights: By deployment; one that is not named has 1.
        regions: Among which a failed call may move; none: it stays where it was.
        unbounded_usd_max: None refuses features without a bound under a budget.
        call_usd_max: What a call may be expected to cost; None for anything.
        latency_ms_max: How long an answer may be expected to take; None for any time.
        hedge_after_ms: After how long a silence a call also goes to the next candidate; None for
            never.
        provider_shares: The most of the route's spend that a provider may have, as shares of 1.
    """

    deployments: Texts
    policy: Text = "cheapest"
    weights: Mapping[str, CountOrNone] = {}
    regions: Texts | None = None
    translated: Literal["last", "mixed"] = "last"
    on_unsupported: Literal["drop", "refuse"] = "drop"
    cache: Literal["client", "auto"] = "client"
    response_cache: Literal["never", "asked", "always"] = "never"
    defer: Literal["never", "cheap_hours"] = "never"
    unbounded_usd_max: Amount | None = None
    call_usd_max: Amount | None = None
    latency_ms_max: Count | None = None
    hedge_after_ms: Silence | None = None
    provider_shares: Mapping[str, Amount] = {}


class PolicyShape(Shape, frozen=True, kw_only=True):
    """`[policies.ID]`: a policy of a kind, with the keys that kind knows.

    Each kind says in its `SETTINGS` which of these it knows; the others are refused.
    """

    kind: Text
    floor: Amount | None = None
    of_best: Amount | None = None
    then: Text | None = None
    point_usd: Amount | None = None
    second_usd: Amount | None = None
    serve: Text | None = None
    shadow: Text | None = None
    arms: Mapping[str, CountOrNone] | None = None
    stake_usd: Amount | None = None
    margin: Amount | None = None
    success: Mapping[str, Amount] | None = None
    share: Amount | None = None
    usd_per_day: Amount | None = None
    verifier: Text | None = None
    steps_max: Count | None = None
    loss: Amount | None = None
    accepts_good: Amount | None = None
    accepts_bad: Amount | None = None
    exhausted: Text | None = None
    probe_usd_per_day: Amount | None = None
    streams: Text | None = None
    judge: Text | None = None
    rubric: Text | None = None
