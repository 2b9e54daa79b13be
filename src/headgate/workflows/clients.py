"""Keeping the official clients whose calls carry the run and the step they are made in."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from headgate.workflows.gateway import Gateway
from headgate.workflows.swarm import current_step

C = TypeVar("C")

_made: WeakKeyDictionary[Any, dict[tuple[str, Gateway], Any]] = WeakKeyDictionary()


def kept_client(kind: str, make: Callable[[Gateway], C]) -> C:
    """Return the client of a kind for the gateway of the step that runs, made on first use.

    Making one reads every root certificate, so it is kept; its connections belong to one event
    loop, so each loop has its own.

    Raises:
        LookupError: No step runs.
    """
    gateway = current_step().gateway
    own = _made.setdefault(asyncio.get_running_loop(), {})
    if (kind, gateway) not in own:
        own[kind, gateway] = make(gateway)
    kept: C = own[kind, gateway]
    return kept
