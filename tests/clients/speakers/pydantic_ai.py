"""pydantic-ai, at Chat Completions, Responses and Messages."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

import anthropic
import openai
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from tests.clients.speakers.speaker import (
    ASK,
    LIMIT,
    PIXEL_BYTES,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)


class _PydanticAI(Speaker):
    """What is the same wherever it speaks; each talk has an event loop and a client of its own."""

    effort: ClassVar[ModelSettings]
    form: ClassVar[Any] = NativeOutput(Weather)

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    async def _with(self, model: str, talk: Any) -> Any:
        raise NotImplementedError

    def _run(self, model: str, talk: Any) -> Any:
        work: Coroutine[Any, Any, Any] = self._with(model, talk)
        return asyncio.run(work)

    def plain(self, model: str) -> str:
        async def talk(served: Model) -> str:
            return (await Agent(served).run(ASK)).output

        return str(self._run(model, talk))

    def stream(self, model: str) -> list[str]:
        async def talk(served: Model) -> list[str]:
            async with Agent(served).run_stream(ASK) as reply:
                return [piece async for piece in reply.stream_text(delta=True, debounce_by=None)]

        pieces: list[str] = self._run(model, talk)
        return pieces

    def tools(self, model: str, tool: Tool) -> str:
        async def talk(served: Model) -> str:
            return (await Agent(served, tools=[tool.get_weather]).run(WITH_TOOLS)).output

        return str(self._run(model, talk))

    def streamed_tools(self, model: str, tool: Tool) -> str:
        async def ignore(context: Any, events: Any) -> None:
            async for _ in events:
                pass

        async def talk(served: Model) -> str:
            agent = Agent(served, tools=[tool.get_weather])
            return (await agent.run(WITH_TOOLS, event_stream_handler=ignore)).output

        return str(self._run(model, talk))

    def image(self, model: str) -> str:
        async def talk(served: Model) -> str:
            picture = BinaryContent(PIXEL_BYTES, media_type="image/png")
            return (await Agent(served).run(["What is this?", picture])).output

        return str(self._run(model, talk))

    def structured(self, model: str) -> Weather:

        async def talk(served: Model) -> Any:
            return (await Agent(served, output_type=self.form).run(ASK)).output

        found = self._run(model, talk)
        assert isinstance(found, Weather)
        return found

    def thinking(self, model: str) -> int:
        async def talk(served: Model) -> int:
            reply = await Agent(served).run(ASK, model_settings=self.effort)
            details = reply.usage.details
            return details.get("reasoning_tokens") or details.get("thinking_tokens") or 0

        return int(self._run(model, talk))


class PydanticAIChat(_PydanticAI):
    """Chat Completions."""

    dialect = "openai_chat"
    effort: ClassVar[Any] = {"openai_reasoning_effort": "low", "max_tokens": LIMIT}
    kind: ClassVar[type[OpenAIChatModel] | type[OpenAIResponsesModel]] = OpenAIChatModel

    async def _with(self, model: str, talk: Any) -> Any:
        async with openai.AsyncOpenAI(
            api_key=self._key, base_url=f"{self._url}/v1", max_retries=0
        ) as client:
            return await talk(self.kind(model, provider=OpenAIProvider(openai_client=client)))


class PydanticAIResponses(PydanticAIChat):
    """Responses."""

    dialect = "openai_responses"
    kind = OpenAIResponsesModel


class PydanticAIMessages(_PydanticAI):
    """Messages."""

    dialect = "anthropic_messages"
    form = Weather  # by a tool that has to be called: it takes no model's word for a format
    effort: ClassVar[Any] = {
        "anthropic_thinking": {"type": "enabled", "budget_tokens": 2_048},
        "max_tokens": LIMIT,
    }

    async def _with(self, model: str, talk: Any) -> Any:
        async with anthropic.AsyncAnthropic(
            api_key=self._key, base_url=self._url, max_retries=0
        ) as client:
            provider = AnthropicProvider(anthropic_client=client)
            return await talk(AnthropicModel(model, provider=provider))
