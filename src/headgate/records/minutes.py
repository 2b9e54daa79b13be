"""What is told of rates: to clients, and from one process of a node to another."""

from typing import Literal, NamedTuple

What = Literal["requests", "tokens"]


class Taking(NamedTuple):
    """What was taken of a limit, or is lacking of it.

    Attributes:
        node: Whose limit it is, such as `team:research`.
        what: What it limits.
        units: How many; below 0 for what was given back.
    """

    node: str
    what: What
    units: int


class LimitStanding(NamedTuple):
    """How a limit of a minute stands.

    Attributes:
        what: What it limits.
        limit: How many a minute, and at once.
        left: How many could be taken now.
        at_ns: When that is.
        full_ns: How long after that it is as if nothing had been taken.
    """

    what: What
    limit: int
    left: int
    at_ns: int
    full_ns: int
