"""The `anthropic` package at Messages."""

from typing import Any

import anthropic

from tests.clients.speakers.speaker import (
    ASK,
    LIMIT,
    PIXEL,
    SCHEMA,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)

HELLO: Any = [{"role": "user", "content": ASK}]
OFFERED: Any = {"name": "get_weather", "description": "The weather.", "input_schema": SCHEMA}


class AnthropicMessages(Speaker):
    """Messages."""

    dialect = "anthropic_messages"

    def __init__(self, url: str, key: str) -> None:
        self._client = anthropic.Anthropic(api_key=key, base_url=url, max_retries=0)
        self._messages = self._client.messages

    def plain(self, model: str) -> str:
        return _text(self._messages.create(model=model, messages=HELLO, max_tokens=200))

    def stream(self, model: str) -> list[str]:
        with self._messages.stream(model=model, messages=HELLO, max_tokens=200) as events:
            return list(events.text_stream)

    def tools(self, model: str, tool: Tool) -> str:
        """Leave the loop to the client's own runner of tools."""
        offered = anthropic.beta_tool(tool.get_weather)
        runner = self._client.beta.messages.tool_runner(
            model=model,
            max_tokens=LIMIT,
            messages=[{"role": "user", "content": WITH_TOOLS}],
            tools=[offered],
        )
        return _text(runner.until_done())

    def streamed_tools(self, model: str, tool: Tool) -> str:
        told: list[Any] = [{"role": "user", "content": WITH_TOOLS}]
        while True:
            with self._messages.stream(
                model=model, messages=told, max_tokens=LIMIT, tools=[OFFERED]
            ) as events:
                message = events.get_final_message()
            calls = [block for block in message.content if block.type == "tool_use"]
            if message.stop_reason != "tool_use":
                return _text(message)
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": call.id,
                    "content": tool.get_weather(str(call.input["city"])),
                }
                for call in calls
            ]
            told.append({"role": "assistant", "content": message.content})
            told.append({"role": "user", "content": results})

    def image(self, model: str) -> str:
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        parts: Any = [{"type": "text", "text": "Look."}, {"type": "image", "source": source}]
        asked: Any = [{"role": "user", "content": parts}]
        return _text(self._messages.create(model=model, messages=asked, max_tokens=200))

    def structured(self, model: str) -> Weather:
        reply = self._messages.parse(
            model=model, messages=HELLO, max_tokens=200, output_format=Weather
        )
        assert reply.parsed_output is not None
        return reply.parsed_output

    def thinking(self, model: str) -> int:
        reply = self._messages.create(
            model=model,
            messages=HELLO,
            max_tokens=LIMIT,
            thinking={"type": "enabled", "budget_tokens": 2_048},
        )
        details = reply.usage.output_tokens_details
        return details.thinking_tokens if details else 0


def _text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")
