"""Every client at every provider's deployment, in its own dialect or translated: a real node.

The clients call it directly and, in the slow tier, through each of the shipped proxies. A client is
one file in `speakers/`. Which cells there are is read from what the providers speak and what can be
translated; a cell that is not there must be refused as the pages say.
"""

import gc
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import floor
from typing import Any

import httpx
import pytest

from tests.clients.fronts import FRONTS, in_front
from tests.clients.speakers.anthropic_messages import AnthropicMessages
from tests.clients.speakers.cells import DEPLOYMENTS, THINKERS, served
from tests.clients.speakers.google_genai import GoogleGenAI
from tests.clients.speakers.langchain import LangChainAnthropic, LangChainOpenAI
from tests.clients.speakers.llm import LLM
from tests.clients.speakers.mistral import MistralChat
from tests.clients.speakers.openai_chat import OpenAIChat
from tests.clients.speakers.openai_responses import OpenAIResponses
from tests.clients.speakers.pydantic_ai import (
    PydanticAIChat,
    PydanticAIMessages,
    PydanticAIResponses,
)
from tests.clients.speakers.speaker import ANSWER, CITIES, PIXEL, Speaker, Tool
from tests.node.harness import TestNode

SPEAKERS: tuple[type[Speaker], ...] = (
    OpenAIChat,
    OpenAIResponses,
    AnthropicMessages,
    GoogleGenAI,
    MistralChat,
    LangChainOpenAI,
    LangChainAnthropic,
    PydanticAIChat,
    PydanticAIResponses,
    PydanticAIMessages,
    LLM,
)
CELLS = [(speaker, deployment) for speaker in SPEAKERS for deployment in DEPLOYMENTS]
SERVED = [(each, model) for each, model in CELLS if served(each.dialect, model)]
ABSENT = [cell for cell in CELLS if cell not in SERVED]


def cell_name(value: Any) -> str:
    """Return how a test of a cell is called."""
    return value if isinstance(value, str) else value.__name__


@pytest.fixture(scope="module", params=FRONTS)
def url(
    request: pytest.FixtureRequest, running: TestNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the clients call: at the node, or at a proxy in front of it."""
    folder = tmp_path_factory.mktemp("front")
    with in_front(request.param, running.gateway_url, folder) as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def billed(running: TestNode) -> Iterator[None]:
    """After all cells the books have posted exactly what the providers billed."""
    bill = running.simulator.bill
    running.await_nothing_held()
    before, posted = len(bill.entries), running.standing("team:research").posted_nanos
    yield
    running.await_nothing_held()
    posted = running.standing("team:research").posted_nanos - posted
    lines = [line.amount * 10**9 for entry in bill.entries[before:] for line in entry.lines]
    assert posted == sum(floor(nanos + Fraction(1, 2)) for nanos in lines)


@pytest.fixture(autouse=True)
def able(request: pytest.FixtureRequest) -> None:
    """Skip what the client itself cannot do, with its reason."""
    feature = request.node.originalname.removeprefix("test_")
    speaker: type[Speaker] = request.getfixturevalue("speaker")
    if feature in speaker.lacks:
        pytest.skip(f"{speaker.__name__}: {speaker.lacks[feature]}")


@pytest.fixture(scope="module")
def speaking(running: TestNode, url: str) -> Iterator[Any]:
    """Makes each client once, with Alice's key; in the end their connections are closed.

    Few clients offer that, or close what they have made themselves: the collector would find it,
    in whatever test it comes to run.
    """
    yield cache(lambda kind: kind(url, running.key()))
    for each in gc.get_objects():
        if issubclass(type(each), httpx.Client):
            each.close()


def sent(node: TestNode) -> str:
    """Return the body that the provider got last."""
    return node.simulator.received.last().body.decode()


@pytest.mark.parametrize(("speaker", "model"), SERVED, ids=cell_name)
class TestCell:
    """One client, one deployment."""

    def test_plain(self, speaking: Any, speaker: type[Speaker], model: str) -> None:
        """A question is answered with a text."""
        assert speaking(speaker).plain(model)

    def test_stream(self, speaking: Any, speaker: type[Speaker], model: str) -> None:
        """The answer comes in pieces, as it is made."""
        pieces = [piece for piece in speaking(speaker).stream(model) if piece]

        assert len(pieces) > 2

    def test_tools(self, speaking: Any, speaker: type[Speaker], model: str) -> None:
        """Two calls at once are made with their arguments, and their results lead to the end."""
        tool = Tool()

        text = speaking(speaker).tools(model, tool)

        assert sorted(tool.cities) == CITIES
        assert text.endswith(ANSWER)

    def test_streamed_tools(self, speaking: Any, speaker: type[Speaker], model: str) -> None:
        """The same in streams, whose pieces the client puts together."""
        tool = Tool()

        text = speaking(speaker).streamed_tools(model, tool)

        assert sorted(tool.cities) == CITIES
        assert text.endswith(ANSWER)

    def test_image(
        self, running: TestNode, speaking: Any, speaker: type[Speaker], model: str
    ) -> None:
        """The picture's own bytes reach the provider."""
        assert speaking(speaker).image(model)

        # Google's own client writes the URL-safe alphabet, which is passed on as it is.
        assert PIXEL in sent(running).replace("-", "+").replace("_", "/")

    def test_structured(
        self, running: TestNode, speaking: Any, speaker: type[Speaker], model: str
    ) -> None:
        """The schema reaches the provider, and the answer is read into the class."""
        assert speaking(speaker).structured(model).days == 7

        assert '"days"' in sent(running)

    def test_thinking(
        self, running: TestNode, speaking: Any, speaker: type[Speaker], model: str
    ) -> None:
        """The client's own knob has the model think; it tells the tokens that are billed."""
        tokens = speaking(speaker).thinking(THINKERS.get(model, model))

        assert tokens == running.simulator.bill.entries[-1].usage.reasoning > 0


@pytest.mark.parametrize(("speaker", "model"), ABSENT, ids=cell_name)
def test_a_cell_that_is_not_there_is_refused(
    running: TestNode, speaking: Any, speaker: type[Speaker], model: str
) -> None:
    """Nothing speaks that dialect there, nor is it translated: the client learns that by name."""
    asked = running.simulator.gate.seen

    with pytest.raises(Exception, match="is not served at"):
        speaking(speaker).plain(model)

    assert running.simulator.gate.seen == asked


@pytest.mark.parametrize("speaker", SPEAKERS, ids=cell_name)
def test_an_empty_budget_is_told(running: TestNode, url: str, speaker: type[Speaker]) -> None:
    """Whichever client it is, the person in front of it reads which budget refused."""
    asked = running.simulator.gate.seen
    model = next(model for each, model in SERVED if each is speaker)

    with pytest.raises(Exception, match="Budget 'principal-poor' refuses"):
        speaker(url, running.key("poor")).plain(model)

    assert running.simulator.gate.seen == asked
