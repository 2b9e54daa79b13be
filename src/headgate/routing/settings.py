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
    """

    alias: str
    deployments: tuple[str, ...]
    policy: str = "cheapest"
    weights: Mapping[str, int] = MappingProxyType({})
    regions: tuple[str, ...] = ()
