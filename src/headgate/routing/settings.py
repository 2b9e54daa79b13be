"""What the configuration says of routes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

REGION_ANY = "*"


class Route(NamedTuple):
    """An alias and the deployments that may serve it, with the policy that orders them.

    Attributes:
        weights: By deployment, for policies that know shares; one that is not named has 1.
        regions: Among which a call whose attempt failed may move; `*` for any. Without them it
            stays in the region of its first attempt.
        drops: Whether a translated call may leave out features that its target lacks; otherwise
            the target is passed over.
        marks: Whether prompts get cache breakpoints where they pay.
        defers: Whether batch calls are put off to hours in which they cost less.
        unbounded_nanos_max: What features without a bound may cost a call under a budget; None
            where such calls are refused.
    """

    alias: str
    deployments: tuple[str, ...]
    policy: str = "cheapest"
    weights: Mapping[str, int] = MappingProxyType({})
    regions: tuple[str, ...] = ()
    drops: bool = True
    marks: bool = False
    defers: bool = False
    unbounded_nanos_max: int | None = None
