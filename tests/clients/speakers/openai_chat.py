"""The `openai` package at Chat Completions."""

import json
from typing import Any

import openai

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


class OpenAIChat(Speaker):
    """Chat Completions."""

    dialect = "openai_chat"

    def __init__(self, url: str, key: str) -> None:
        self._chat = openai.OpenAI(
            api_key=key, base_url=f"{url}/v1", max_retries=0
        ).chat.completions

    def plain(self, model: str) -> str:
        return self._chat.create(model=model, messages=HELLO).choices[0].message.content or ""

    def stream(self, model: str) -> list[str]:
        chunks = self._chat.create(model=model, messages=HELLO, stream=True)
        return [chunk.choices[0].delta.content or "" for chunk in chunks]

    def tools(self, model: str, tool: Tool) -> str:
        return self._talk(
            tool, lambda told: self._chat.create(model=model, messages=told, tools=[OFFERED])
        )

    def streamed_tools(self, model: str, tool: Tool) -> str:
        def final(told: Any) -> Any:
            with self._chat.stream(model=model, messages=told, tools=[OFFERED]) as events:
                return events.get_final_completion()

        return self._talk(tool, final)

    def _talk(self, tool: Tool, say: Any) -> str:
        told: list[Any] = [{"role": "user", "content": WITH_TOOLS}]
        while True:
            message = say(told).choices[0].message
            if not message.tool_calls:
                return str(message.content)
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in message.tool_calls
            ]
            told.append({"role": "assistant", "content": message.content, "tool_calls": calls})
            for call in message.tool_calls:
                result = tool.get_weather(**json.loads(call.function.arguments))
                told.append({"role": "tool", "tool_call_id": call.id, "content": result})

    def image(self, model: str) -> str:
        parts: Any = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL_URL}},
        ]
        reply = self._chat.create(model=model, messages=[{"role": "user", "content": parts}])
        return reply.choices[0].message.content or ""

    def structured(self, model: str) -> Weather:
        reply = self._chat.parse(model=model, messages=HELLO, response_format=Weather)
        parsed = reply.choices[0].message.parsed
        assert parsed is not None
        return parsed

    def thinking(self, model: str) -> int:
        reply = self._chat.create(
            model=model, messages=HELLO, reasoning_effort="low", max_completion_tokens=LIMIT
        )
        assert reply.usage is not None
        details = reply.usage.completion_tokens_details
        return (details.reasoning_tokens if details else None) or 0
