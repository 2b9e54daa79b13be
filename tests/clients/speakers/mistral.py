"""The `mistralai` package, whose chat completions are the same dialect as OpenAI's."""

import json
from typing import Any, ClassVar

from mistralai.client import Mistral

from tests.clients.speakers.speaker import (
    ASK,
    LIMIT,
    PIXEL_URL,
    SCHEMA,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)

HELLO: Any = [{"role": "user", "content": ASK}]
OFFERED: Any = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}


class MistralChat(Speaker):
    """Chat completions."""

    dialect = "openai_chat"
    lacks: ClassVar = {
        "thinking": "its usage does not tell how much was thought",
        "streamed_tools": "its types want the name of a tool in every fragment of a call",
    }

    def __init__(self, url: str, key: str) -> None:
        self._chat = Mistral(api_key=key, server_url=url).chat

    def plain(self, model: str) -> str:
        return _text(self._chat.complete(model=model, messages=HELLO))

    def stream(self, model: str) -> list[str]:
        events = self._chat.stream(model=model, messages=HELLO)
        return [str(event.data.choices[0].delta.content or "") for event in events]

    def tools(self, model: str, tool: Tool) -> str:
        told: list[Any] = [{"role": "user", "content": WITH_TOOLS}]
        while True:
            reply = self._chat.complete(model=model, messages=told, tools=[OFFERED])
            message: Any = reply.choices[0].message
            if not message.tool_calls:
                return str(message.content)
            told.append(message)
            told += [_result(tool, call) for call in message.tool_calls]

    def streamed_tools(self, model: str, tool: Tool) -> str:
        raise NotImplementedError(self.lacks["streamed_tools"])

    def image(self, model: str) -> str:
        parts: Any = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL_URL}},
        ]
        asked: Any = [{"role": "user", "content": parts}]
        return _text(self._chat.complete(model=model, messages=asked))

    def structured(self, model: str) -> Weather:
        reply = self._chat.parse(
            model=model, messages=HELLO, response_format=Weather, max_tokens=LIMIT
        )
        assert reply.choices is not None
        message = reply.choices[0].message
        assert message is not None
        assert message.parsed is not None
        return message.parsed

    def thinking(self, model: str) -> int:
        raise NotImplementedError(self.lacks["thinking"])


def _text(reply: Any) -> str:
    return str(reply.choices[0].message.content)


def _result(tool: Tool, call: Any) -> Any:
    result = tool.get_weather(**json.loads(call.function.arguments))
    return {"role": "tool", "tool_call_id": call.id, "content": result}
