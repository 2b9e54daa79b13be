"""A real node against the simulators, and the official clients that speak to it."""

from collections.abc import Iterator

import anthropic
import openai
import pytest

from headgate.simulator import Simulator
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import post

BUDGETS = [once("team:research", "1000.00"), once("principal:poor", "0.000001")]
PEOPLE = {"alice": "research", "poor": "research"}
NARROW = """
[principals.narrow]
team = "research"
[keys.narrow]
principal = "narrow"
secret = { value = "hg_narrow_0123456789abcdef0123456789abcdef" }
models = ["mini", "haiku"]
"""
ROUTES = """
[routes.either]
deployments = ["flash", "pro"]
"""
NARROW_KEY = "hg_narrow_0123456789abcdef0123456789abcdef"
BODY_BYTES_MAX = 2_000_000


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with its processes."""
    with running_node(
        tmp_path_factory.mktemp("node"),
        budgets=BUDGETS,
        principals=PEOPLE,
        limits=f"body_bytes_max = {BODY_BYTES_MAX}",
        extra=NARROW + ROUTES,
    ) as node:
        yield node


@pytest.fixture
def node(running: TestNode) -> Iterator[TestNode]:
    """The node; afterwards it has no faults, holds nothing, and every deployment may be asked."""
    yield running
    running.simulator.faults.clear()
    running.await_nothing_held()
    until(lambda: not _throttled(running), "nobody is throttled any more")


def _throttled(node: TestNode) -> int:
    """Return how many deployments said that they want no call yet."""
    ready = post(node.gateway_url, "/readyz", None, b"", method="GET")
    count: int = ready.document["deployments"]["throttled"]
    return count


@pytest.fixture
def simulator(node: TestNode) -> Simulator:
    """The providers behind the node."""
    return node.simulator


@pytest.fixture
def openai_client(node: TestNode) -> Iterator[openai.OpenAI]:
    """The official client with Alice's key, without retries of its own."""
    with openai.OpenAI(
        api_key=node.key(), base_url=f"{node.gateway_url}/v1", max_retries=0, timeout=20
    ) as client:
        yield client


@pytest.fixture
def anthropic_client(node: TestNode) -> Iterator[anthropic.Anthropic]:
    """The official client with Alice's key, without retries of its own."""
    with anthropic.Anthropic(
        api_key=node.key(), base_url=node.gateway_url, max_retries=0, timeout=20
    ) as client:
        yield client


def async_openai(node: TestNode) -> openai.AsyncOpenAI:
    """Return the official asynchronous client with Alice's key."""
    return openai.AsyncOpenAI(
        api_key=node.key(), base_url=f"{node.gateway_url}/v1", max_retries=0, timeout=20
    )


def async_anthropic(node: TestNode) -> anthropic.AsyncAnthropic:
    """Return the official asynchronous client with Alice's key."""
    return anthropic.AsyncAnthropic(
        api_key=node.key(), base_url=node.gateway_url, max_retries=0, timeout=20
    )
