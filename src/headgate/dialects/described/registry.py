"""The descriptions that lie in this folder, found by their `KIND`, and what each one has."""

from typing import Any, Protocol, cast

import headgate.dialects.described as folder
from headgate.dialects.registry import discover


class Described(Protocol):
    """What a module here has.

    Attributes:
        KIND: The dialect's.
        REQUEST: A JSON schema of requests that need nothing special of whoever serves them; all
            that it allows is served by any deployment of the dialect that is there.
        EXAMPLE: One of those.
        REPLY: A JSON schema of what every whole reply has, whoever gave it.
    """

    KIND: str
    REQUEST: dict[str, Any]
    EXAMPLE: dict[str, Any]
    REPLY: dict[str, Any]


def described() -> dict[str, Described]:
    """Return the description of each dialect that has one, by its kind."""
    return {kind: cast(Described, part) for kind, part in discover(folder).items()}
