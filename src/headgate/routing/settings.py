"""What the configuration says of routes."""

from typing import NamedTuple


class Route(NamedTuple):
    """An alias and the deployments that may serve it, with the policy that orders them.

    Attributes:
        drops: Whether a translated call may leave out features that its target lacks; otherwise
            the target is passed over.
    """

    alias: str
    deployments: tuple[str, ...]
    policy: str = "cheapest"
    drops: bool = True
