"""Official clients whose calls carry the run and the step they are made in (the extra `demo`)."""

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from headgate.workflows.swarm import current_step


def openai_client() -> AsyncOpenAI:
    """Return OpenAI's client for the one model call of the step that runs.

    Raises:
        LookupError: No step runs.
    """
    step = current_step()
    return AsyncOpenAI(
        base_url=f"{step.gateway.url}/v1",
        api_key=step.gateway.key,
        default_headers=step.headers(),
    )


def anthropic_client() -> AsyncAnthropic:
    """Return Anthropic's client for the one model call of the step that runs.

    Raises:
        LookupError: No step runs.
    """
    step = current_step()
    return AsyncAnthropic(
        base_url=step.gateway.url, api_key=step.gateway.key, default_headers=step.headers()
    )
