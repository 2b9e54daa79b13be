"""What the configuration says of routes."""

from typing import NamedTuple


class Route(NamedTuple):
    """An alias and the deployments that may serve it, with the policy that orders them."""

    alias: str
    deployments: tuple[str, ...]
    policy: str = "cheapest"
