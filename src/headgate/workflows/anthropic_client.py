"""Anthropic's client for steps of workflows (the extra `demo` has it)."""

from anthropic import AsyncAnthropic

from headgate.workflows.clients import kept_client
from headgate.workflows.gateway import Gateway
from headgate.workflows.swarm import current_step


def anthropic_client() -> AsyncAnthropic:
    """Return the client for the one model call of the step that runs.

    Its connections are shared by all steps, so it is not to be closed.

    Raises:
        LookupError: No step runs.
    """
    client = kept_client("anthropic", _make)
    return client.with_options(default_headers=current_step().headers())


def _make(to: Gateway) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=to.url, api_key=to.key)
