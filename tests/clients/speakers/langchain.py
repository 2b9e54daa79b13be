"""LangChain, at Chat Completions and at Messages."""

from functools import reduce
from operator import add
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.clients.speakers.speaker import (
    ASK,
    LIMIT,
    PIXEL_URL,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)


class _LangChain(Speaker):
    """What is the same for both of its packages."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def _model(self, model: str, **more: Any) -> BaseChatModel:
        raise NotImplementedError

    def plain(self, model: str) -> str:
        return self._model(model).invoke(ASK).text

    def stream(self, model: str) -> list[str]:
        return [chunk.text for chunk in self._model(model).stream(ASK)]

    def tools(self, model: str, tool: Tool) -> str:
        return self._talk(model, tool, lambda bound, told: bound.invoke(told))

    def streamed_tools(self, model: str, tool: Tool) -> str:
        return self._talk(model, tool, lambda bound, told: reduce(add, bound.stream(told)))

    def _talk(self, model: str, tool: Tool, say: Any) -> str:
        offered = langchain_tool(tool.get_weather)
        bound = self._model(model).bind_tools([offered])
        told: list[Any] = [HumanMessage(WITH_TOOLS)]
        while True:
            message = say(bound, told)
            if not message.tool_calls:
                return str(message.text)
            told.append(message)
            for call in message.tool_calls:
                result = offered.invoke(call["args"])
                told.append(ToolMessage(result, tool_call_id=call["id"]))

    def image(self, model: str) -> str:
        parts: Any = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL_URL}},
        ]
        return self._model(model).invoke([HumanMessage(parts)]).text

    def structured(self, model: str) -> Weather:
        formed = self._model(model).with_structured_output(Weather, method="json_schema")
        found = formed.invoke(ASK)
        assert isinstance(found, Weather)
        return found

    def _thought(self, model: BaseChatModel) -> int:
        usage: Any = model.invoke(ASK)
        counted: int = usage.usage_metadata["output_token_details"]["reasoning"]
        return counted


class LangChainOpenAI(_LangChain):
    """`langchain-openai`."""

    dialect = "openai_chat"

    def _model(self, model: str, **more: Any) -> BaseChatModel:
        return ChatOpenAI(
            model=model,
            base_url=f"{self._url}/v1",
            api_key=SecretStr(self._key),
            max_retries=0,
            **more,
        )

    def thinking(self, model: str) -> int:
        return self._thought(self._model(model, reasoning_effort="low", max_tokens=LIMIT))


class LangChainAnthropic(_LangChain):
    """`langchain-anthropic`."""

    dialect = "anthropic_messages"

    def _model(self, model: str, **more: Any) -> BaseChatModel:
        return ChatAnthropic(
            model_name=model,
            base_url=self._url,
            api_key=SecretStr(self._key),
            max_retries=0,
            **{"max_tokens": LIMIT, **more},
        )

    def thinking(self, model: str) -> int:
        budget = {"type": "enabled", "budget_tokens": 2_048}
        message: Any = self._model(model, thinking=budget).invoke(ASK)
        counted: int = message.response_metadata["usage"]["output_tokens_details"][
            "thinking_tokens"
        ]
        return counted
