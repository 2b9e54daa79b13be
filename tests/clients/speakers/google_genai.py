"""The `google-genai` package."""

from typing import Any

from google import genai
from google.genai import types

from tests.clients.speakers.speaker import (
    ASK,
    PIXEL_BYTES,
    WITH_TOOLS,
    Speaker,
    Tool,
    Weather,
)


class GoogleGenAI(Speaker):
    """Generation of content."""

    dialect = "gemini"

    def __init__(self, url: str, key: str) -> None:
        client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
        self._client = client  # whose models end with it
        self._models = client.models

    def plain(self, model: str) -> str:
        return self._models.generate_content(model=model, contents=ASK).text or ""

    def stream(self, model: str) -> list[str]:
        chunks = self._models.generate_content_stream(model=model, contents=ASK)
        return [chunk.text or "" for chunk in chunks]

    def tools(self, model: str, tool: Tool) -> str:
        """Leave the loop to the client, which calls functions by itself."""
        config = types.GenerateContentConfig(tools=[tool.get_weather])
        reply = self._models.generate_content(model=model, contents=WITH_TOOLS, config=config)
        return reply.text or ""

    def streamed_tools(self, model: str, tool: Tool) -> str:
        config = types.GenerateContentConfig(tools=[tool.get_weather])
        chunks = self._models.generate_content_stream(
            model=model, contents=WITH_TOOLS, config=config
        )
        parts: list[Any] = []
        for chunk in chunks:
            for candidate in chunk.candidates or []:
                parts += (candidate.content.parts or []) if candidate.content else []
        return "".join(part.text or "" for part in parts)

    def image(self, model: str) -> str:
        parts: Any = ["Look.", types.Part.from_bytes(data=PIXEL_BYTES, mime_type="image/png")]
        return self._models.generate_content(model=model, contents=parts).text or ""

    def structured(self, model: str) -> Weather:
        config = types.GenerateContentConfig(
            response_mime_type="application/json", response_schema=Weather
        )
        reply = self._models.generate_content(model=model, contents=ASK, config=config)
        assert isinstance(reply.parsed, Weather)
        return reply.parsed

    def thinking(self, model: str) -> int:
        thinking = types.ThinkingConfig(thinking_budget=4_096)
        config = types.GenerateContentConfig(thinking_config=thinking, max_output_tokens=8_000)
        reply = self._models.generate_content(model=model, contents=ASK, config=config)
        assert reply.usage_metadata is not None
        return reply.usage_metadata.thoughts_token_count or 0
