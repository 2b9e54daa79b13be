"""`llm`, with the kind of model that its file of further models makes."""

import json
from typing import Any

import llm
from llm.default_plugins.openai_models import Chat

from tests.clients.speakers.speaker import (
    ASK,
    PIXEL_BYTES,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)


class LLM(Speaker):
    """Chat Completions."""

    dialect = "openai_chat"

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def _model(self, model: str) -> Any:
        made = Chat(  # type: ignore[no-untyped-call]  # the package leaves it untyped
            model,
            model_name=model,
            api_base=f"{self._url}/v1",
            vision=True,
            reasoning=True,
            supports_schema=True,
            supports_tools=True,
        )
        made.key = self._key
        return made

    def plain(self, model: str) -> str:
        return str(self._model(model).prompt(ASK, stream=False).text())

    def stream(self, model: str) -> list[str]:
        return list(self._model(model).prompt(ASK, stream=True))

    def tools(self, model: str, tool: Tool) -> str:
        return self._chain(model, tool, stream=False)

    def streamed_tools(self, model: str, tool: Tool) -> str:
        return self._chain(model, tool, stream=True)

    def _chain(self, model: str, tool: Tool, *, stream: bool) -> str:
        chain = self._model(model).chain(WITH_TOOLS, tools=[tool.get_weather], stream=stream)
        return str(chain.text())

    def image(self, model: str) -> str:
        picture = llm.Attachment(type="image/png", content=PIXEL_BYTES)
        reply = self._model(model).prompt("What is this?", attachments=[picture], stream=False)
        return str(reply.text())

    def structured(self, model: str) -> Weather:
        reply = self._model(model).prompt(ASK, schema=Weather, stream=False)
        return Weather(**json.loads(reply.text()))

    def thinking(self, model: str) -> int:
        reply = self._model(model).prompt(ASK, reasoning_effort="low", stream=False)
        reply.text()
        details = reply.token_details or {}
        counted: int = details["completion_tokens_details"]["reasoning_tokens"]
        return counted
