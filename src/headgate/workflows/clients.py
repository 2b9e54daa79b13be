"""Official clients whose calls carry the run and the step they are made in (the extra `demo`)."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from headgate.workflows.gateway import Gateway, Step
from headgate.workflows.swarm import current_step

C = TypeVar("C", AsyncOpenAI, AsyncAnthropic)

# Making a client reads every root certificate, and its connections belong to one loop.
_made: WeakKeyDictionary[Any, dict[tuple[str, Gateway], Any]] = WeakKeyDictionary()


def openai_client() -> AsyncOpenAI:
    """Return OpenAI's client for the one model call of the step that runs.

    Its connections are shared by all steps, so it is not to be closed.

    Raises:
        LookupError: No step runs.
    """
    return _client("openai", lambda to: AsyncOpenAI(base_url=f"{to.url}/v1", api_key=to.key))


def anthropic_client() -> AsyncAnthropic:
    """Return Anthropic's client for the one model call of the step that runs.

    Its connections are shared by all steps, so it is not to be closed.

    Raises:
        LookupError: No step runs.
    """
    return _client("anthropic", lambda to: AsyncAnthropic(base_url=to.url, api_key=to.key))


def _client(kind: str, make: Callable[[Gateway], C]) -> C:
    step: Step = current_step()
    own = _made.setdefault(asyncio.get_running_loop(), {})
    key = (kind, step.gateway)
    client: C = own[key] if key in own else own.setdefault(key, make(step.gateway))
    return client.with_options(default_headers=step.headers())
