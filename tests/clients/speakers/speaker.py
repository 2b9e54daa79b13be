"""What every client of the matrix is asked to do, and what it must bring back."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import pydantic

ASK = "hello"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)
PIXEL_BYTES = base64.b64decode(PIXEL)
PIXEL_URL = f"data:image/png;base64,{PIXEL}"
CITIES = ["Paris", "Rome"]
ANSWER = "Sunny in both."
WITH_TOOLS = (
    '[tool:get_weather {"city": "Paris"}] [tool:get_weather {"city": "Rome"}] '
    f'[then] [say "{ANSWER}"]'
)
"""Has the simulated model call a tool twice at once, and answer with a text after the results."""

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
LIMIT = 8_000


class Weather(pydantic.BaseModel):
    """What a structured reply has to look like."""

    city: str
    days: int


class Tool:
    """A function that a model may call; it remembers for which cities it was called."""

    def __init__(self) -> None:
        self.cities: list[str] = []

    def get_weather(self, city: str) -> str:
        """Return the weather in a city."""
        self.cities.append(city)
        return f"sunny in {city}"


class Speaker(ABC):
    """One client at one of the surfaces.

    Attributes:
        dialect: The dialect it speaks, as in `headgate.dialects`.
        lacks: What the client itself cannot do, with the reason.
    """

    dialect: ClassVar[str]
    lacks: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def __init__(self, url: str, key: str) -> None:
        """Make the client for a gateway, without retries of its own."""

    @abstractmethod
    def plain(self, model: str) -> str:
        """Return an answer to `ASK`."""

    @abstractmethod
    def stream(self, model: str) -> list[str]:
        """Return the pieces of an answer to `ASK`."""

    @abstractmethod
    def tools(self, model: str, tool: Tool) -> str:
        """Talk until the model has called what it wants; returns its last text."""

    @abstractmethod
    def streamed_tools(self, model: str, tool: Tool) -> str:
        """Do the same with streams."""

    @abstractmethod
    def image(self, model: str) -> str:
        """Return an answer to a message with a picture in it."""

    @abstractmethod
    def structured(self, model: str) -> Weather:
        """Return an answer in the form of a class."""

    @abstractmethod
    def thinking(self, model: str) -> int:
        """Have the model think; returns how many tokens it thought, as the client tells it."""
