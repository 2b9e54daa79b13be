"""Names with slashes, as clients of other gateways ask for them, through the whole of a node."""

from collections.abc import Iterator
from urllib.parse import quote

import openai
import pytest

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.insights.search import Wanted, list_calls
from headgate.node.commands import command
from headgate.node.messages import Done, Freeze
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, GEMINI, GEMINI_COUNT, MESSAGES, chat, content, message, post

ALIAS = "openai/gpt-4o"
LONG = "fireworks_ai/accounts/fireworks/models/llama-v3p1-8b"
EXTRA = f"""
[routes."{ALIAS}"]
deployments = ["mini", "haiku"]
hedge_after_ms = 60000
[routes."{LONG}"]
deployments = ["haiku"]
[principals.eve]
team = "research"
[keys.eve]
principal = "eve"
secret = {{ value = "hg_eve_0123456789abcdef0123456789abcdef" }}
models = ["{ALIAS}"]
[budgets.mini-of-each]
on = {{ principal = "*", deployment = "*" }}
limit_usd = "5.00"
[approvals.dear]
approvers = ["alice"]
models = ["{ALIAS}"]
over_usd = "50.00"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two such aliases and a budget of each pair of principal and deployment."""
    folder = tmp_path_factory.mktemp("node")
    with running_node(folder, budgets=[once("organisation", "9.00")], extra=EXTRA) as one:
        yield one


@pytest.mark.parametrize("name", [ALIAS, LONG])
def test_calls_in_every_dialect_may_ask_for_such_a_name(node: TestNode, name: str) -> None:
    """In a body it stands as it is; in a path as it is, or with its slashes escaped."""
    asked = [
        (CHAT, chat("Hi", model=name)),
        (MESSAGES, message("Hi", model=name)),
        (GEMINI.format(model=name), content("Hi")),
        (GEMINI.format(model=quote(name, safe="")), content("Hi")),
        (GEMINI_COUNT.format(model=name), content("Hi")),
    ]

    for path, body in asked:
        reply = post(node.gateway_url, path, node.key(), body)

        assert reply.status == 200, (path, reply.body)


@pytest.mark.parametrize("shown", [ALIAS, quote(ALIAS, safe="")])
@pytest.mark.parametrize("sign", [{}, {"anthropic-version": "2023-06-01"}])
def test_such_a_name_is_shown_by_its_path(node: TestNode, shown: str, sign: dict[str, str]) -> None:
    """`GET /v1/models/{id}` finds it, escaped or not, and the list has it."""
    found = post(
        node.gateway_url, f"/v1/models/{shown}", node.key(), b"", method="GET", headers=sign
    )
    listed = post(node.gateway_url, "/v1/models", node.key(), b"", method="GET", headers=sign)

    assert found.document["id"] == ALIAS
    assert ALIAS in [each["id"] for each in listed.document["data"]]


@pytest.mark.parametrize("shown", ["openai", "openai/", "openai/gpt-4o/", "openai//gpt-4o"])
def test_a_part_of_such_a_name_is_none(node: TestNode, shown: str) -> None:
    """Nothing is a folder here: only the whole name is one."""
    reply = post(node.gateway_url, f"/v1/models/{shown}", node.key(), b"", method="GET")

    assert reply.status == 404
    assert post(node.gateway_url, CHAT, node.key(), chat("Hi", model=shown)).status == 404


def test_openais_client_retrieves_such_a_model(node: TestNode) -> None:
    """The official client escapes it, and gets it."""
    with openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=node.key()) as client:
        assert client.models.retrieve(ALIAS).id == ALIAS


def test_a_key_and_a_delegation_are_bound_to_such_a_name(node: TestNode) -> None:
    """Who may ask for it alone is served by it and by nothing else, also below a token."""
    narrow = mint(node.key(), "alice", Asked("child", models=frozenset({ALIAS})))
    for bearer in (node.key("eve"), narrow):
        assert post(node.gateway_url, CHAT, bearer, chat("Hi", model=ALIAS)).status == 200
        assert post(node.gateway_url, CHAT, bearer, chat("Hi", model="mini")).status == 403
        listed = post(node.gateway_url, "/v1/models", bearer, b"", method="GET").document
        assert [each["id"] for each in listed["data"]] == [ALIAS]


def test_such_a_name_can_be_frozen(node: TestNode) -> None:
    """Who asks for it is refused, whoever it is; what serves it can be asked for all the same."""
    name = f"model:{LONG}"

    assert command(node.data_dir, Freeze(name, True, "")) == Done()
    until(lambda: ask_for(node, LONG) == "frozen", "it is frozen")
    assert ask_for(node, "haiku") is None
    assert command(node.data_dir, Freeze(name, False, "")) == Done()

    until(lambda: ask_for(node, LONG) is None, "it is thawed")


def ask_for(node: TestNode, model: str) -> str | None:
    """Make a call; returns the code of the refusal."""
    return post(node.gateway_url, CHAT, node.key(), chat("Hi", model=model)).code


def test_the_books_name_it_and_budgets_stay_the_deployments(node: TestNode) -> None:
    """A call is found by the name it asked for; what it was held on has no slash of it."""
    reply = post(node.gateway_url, CHAT, node.key(), chat("Hi", model=ALIAS))
    node.await_nothing_held()
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        calls = list_calls(connection, Wanted(asked=ALIAS), 100)
    engine.dispose()

    assert reply.headers["x-headgate-call"] in [each.call for each in calls]
    pairs = [window for window in node._windows() if window.startswith("mini-of-each")]
    assert any("/mini@" in window for window in pairs)
    assert not any("gpt-4o" in window for window in pairs)
    page = post(node.console_url, f"/calls?model={quote(ALIAS)}", None, b"", method="GET")
    assert page.status == 200 and reply.headers["x-headgate-call"].encode() in page.body
    assert ALIAS.encode() in post(node.console_url, "/routes", None, b"", method="GET").body
