"""The `openai` package at Responses."""

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

OFFERED: Any = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}


class OpenAIResponses(Speaker):
    """Responses, with nothing stored at the provider."""

    dialect = "openai_responses"

    def __init__(self, url: str, key: str) -> None:
        client = openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)
        self._responses = client.responses

    def plain(self, model: str) -> str:
        return self._responses.create(model=model, input=ASK).output_text

    def stream(self, model: str) -> list[str]:
        with self._responses.stream(model=model, input=ASK) as events:
            return [each.delta for each in events if each.type == "response.output_text.delta"]

    def tools(self, model: str, tool: Tool) -> str:
        def whole(told: Any) -> Any:
            return self._responses.create(model=model, input=told, tools=[OFFERED], store=False)

        return self._talk(tool, whole)

    def streamed_tools(self, model: str, tool: Tool) -> str:
        def final(told: Any) -> Any:
            with self._responses.stream(
                model=model, input=told, tools=[OFFERED], store=False
            ) as events:
                return events.get_final_response()

        return self._talk(tool, final)

    def _talk(self, tool: Tool, say: Any) -> str:
        told: list[Any] = [{"role": "user", "content": WITH_TOOLS}]
        while True:
            reply = say(told)
            calls = [item for item in reply.output if item.type == "function_call"]
            if not calls:
                return str(reply.output_text)
            kept = {"parsed_arguments", "parsed"}
            told += [item.model_dump(exclude_none=True, exclude=kept) for item in reply.output]
            for call in calls:
                result = tool.get_weather(**json.loads(call.arguments))
                output = {"type": "function_call_output", "call_id": call.call_id}
                told.append({**output, "output": result})

    def image(self, model: str) -> str:
        parts: Any = [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": PIXEL_URL, "detail": "auto"},
        ]
        asked: Any = [{"role": "user", "content": parts}]
        return self._responses.create(model=model, input=asked).output_text

    def structured(self, model: str) -> Weather:
        parsed = self._responses.parse(model=model, input=ASK, text_format=Weather).output_parsed
        assert parsed is not None
        return parsed

    def thinking(self, model: str) -> int:
        reply = self._responses.create(
            model=model, input=ASK, reasoning={"effort": "low"}, max_output_tokens=LIMIT
        )
        assert reply.usage is not None
        return reply.usage.output_tokens_details.reasoning_tokens
