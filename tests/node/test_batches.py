"""Batches over a real node, by the official clients: held when made, settled from results."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import anthropic
import httpx
import openai
import pytest

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.torture.checker import check_journals

BUDGETS = [
    once("organisation", "100.00"),
    once("principal:bob", "0.01"),
    once("run:*", "0.02"),
    once("provider:openai", "50.00"),
]
SHADOW = """
[budgets.watched]
node = "team:research"
period = "once"
limit_usd = "0.000001"
mode = "shadow"
"""
PRINCIPALS = {"alice": "research", "bob": "sales"}
CLOSING = ExitStack()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with a budget that suffices, and one of bob's that is small."""
    folder = tmp_path_factory.mktemp("batches")
    with (
        CLOSING,
        running_node(folder, budgets=BUDGETS, principals=PRINCIPALS, extra=SHADOW) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def nothing_held_back(node: TestNode) -> Iterator[None]:
    """Each test begins with batches that run, and leaves none behind."""
    yield
    node.simulator.batches.held = node.simulator.batches.expires = False
    node.simulator.batches.status = 0
    until(lambda: not carved(node), "every batch is settled")


def openai_client(node: TestNode, who: str = "alice") -> openai.OpenAI:
    """Return the official client of somebody; it is closed with the node."""
    url, key = f"{node.gateway_url}/v1", node.key(who)
    return CLOSING.enter_context(openai.OpenAI(base_url=url, api_key=key, max_retries=0))


def anthropic_client(node: TestNode, who: str = "alice") -> anthropic.Anthropic:
    """Return the official client of somebody; it is closed with the node."""
    url, key = node.gateway_url, node.key(who)
    return CLOSING.enter_context(anthropic.Anthropic(base_url=url, api_key=key, max_retries=0))


def line(number: int, model: str = "mini", **more: Any) -> dict[str, Any]:
    """Return a line of a file."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": f"Say {number}"}],
    }
    url = "/v1/chat/completions"
    body |= {"max_tokens": 100, **more}
    return {"custom_id": f"row {number}", "method": "POST", "url": url, "body": body}


def uploaded(client: openai.OpenAI, *lines: dict[str, Any]) -> str:
    """Upload a file of lines; returns its id."""
    content = "\n".join(json.dumps(each) for each in lines).encode()
    return client.files.create(file=("rows.jsonl", BytesIO(content)), purpose="batch").id


def made(client: openai.OpenAI, *lines: dict[str, Any], run: str | None = None) -> Any:
    """Make a batch of lines, in a run perhaps."""
    return client.batches.create(
        extra_headers={} if run is None else {"x-headgate-run": run},
        input_file_id=uploaded(client, *lines),
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"project": "night"},
    )


def ended(client: openai.OpenAI, batch: str) -> Any:
    """Wait until a batch has ended, and return it."""
    final = ("completed", "failed", "expired", "cancelled")
    until(lambda: client.batches.retrieve(batch).status in final, "the batch has ended")
    return client.batches.retrieve(batch)


def carved(node: TestNode, above: str = "organisation") -> int:
    """Return what batches hold of a budget, as far as it is not used."""
    standing = node.standing(above)
    return standing.carved_nanos - standing.delegated_nanos


def at_provider(node: TestNode) -> list[str]:
    """Return the batches that were made at the provider, by our names."""
    told = httpx.get(f"{node.simulator.openai_url}/batches").json()["data"]
    return [each["metadata"]["headgate_batch"] for each in told]


def posted(node: TestNode) -> int:
    """Return what batches have cost so far."""
    return node.standing("organisation").delegated_nanos


def headgate(node: TestNode, *arguments: str) -> Any:
    """Run a command against the node; returns what it prints."""
    command = [sys.executable, "-m", "headgate.cli.main", *arguments]
    command += ["--data-dir", str(node.data_dir), "--json"]
    done = subprocess.run(command, env=node.environment, capture_output=True, check=False)
    return json.loads(done.stdout or b"null"), done.returncode


def test_a_batch_is_held_settled_at_half_price_and_its_results_are_read(node: TestNode) -> None:
    """The money lies in the batch while it runs; then its lines are charged what they cost."""
    client = openai_client(node)
    node.simulator.batches.held = True
    billed, before = node.simulator.bill.total, posted(node)

    batch = made(client, line(1), line(2), line(3, n=2))

    assert batch.status in ("validating", "in_progress")
    assert batch.request_counts.total == 3
    held = carved(node)
    assert held > 0

    node.simulator.batches.held = False
    batch = ended(client, batch.id)
    results = client.files.content(batch.output_file_id).text.splitlines()

    assert batch.status == "completed"
    assert batch.metadata == {"project": "night"}
    assert [json.loads(each)["custom_id"] for each in results] == ["row 1", "row 2", "row 3"]
    assert "choices" in json.loads(results[0])["response"]["body"]
    cost = posted(node) - before
    assert 0 < cost < held
    assert cost == (node.simulator.bill.total - billed) * 10**9
    assert all(entry.batched for entry in node.simulator.bill.entries[-3:])


def test_message_batches_of_several_models_are_settled_too(node: TestNode) -> None:
    """The lines come with the request, the results are read by the client's own decoder."""
    client = anthropic_client(node)
    billed, before = node.simulator.bill.total, posted(node)
    message: Any = {"max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    requests: Any = [
        {"custom_id": name, "params": {"model": name, **message}} for name in ("haiku", "opus")
    ]

    batch = client.messages.batches.create(requests=requests)
    until(
        lambda: client.messages.batches.retrieve(batch.id).processing_status == "ended", "it ended"
    )
    results = {each.custom_id: each.result for each in client.messages.batches.results(batch.id)}

    assert {name: each.type for name, each in results.items()} == {
        "haiku": "succeeded",
        "opus": "succeeded",
    }
    assert posted(node) - before == (node.simulator.bill.total - billed) * 10**9
    listed = [each.id for each in client.messages.batches.list(limit=5)]
    assert batch.id in listed
    client.messages.batches.delete(batch.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(batch.id)


def test_what_one_principal_makes_nobody_else_sees(node: TestNode) -> None:
    """Files and batches of others are unknown, and in no list."""
    alice, bob = openai_client(node), openai_client(node, "bob")
    batch = made(alice, line(1))

    for ask in (
        lambda: bob.batches.retrieve(batch.id),
        lambda: bob.batches.cancel(batch.id),
        lambda: bob.files.retrieve(batch.input_file_id),
        lambda: bob.files.content(batch.input_file_id),
        lambda: bob.files.delete(batch.input_file_id),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert not list(bob.batches.list())
    assert not list(bob.files.list())
    assert batch.id in [each.id for each in alice.batches.list(limit=1)]
    assert batch.input_file_id in [each.id for each in alice.files.list()]


def test_a_delegation_has_no_batches(node: TestNode) -> None:
    """It neither makes any nor sees those of whom it is from."""
    headers = {"authorization": f"Bearer {mint(node.key(), 'alice', Asked('a'))}"}

    for path in ("/v1/batches", "/v1/files", "/v1/messages/batches"):
        refused = httpx.get(node.gateway_url + path, headers=headers)

        assert refused.status_code == 403
        assert refused.headers["x-headgate-code"] == "not_permitted"


def test_a_batch_that_no_budget_can_pay_is_refused_and_holds_nothing(node: TestNode) -> None:
    """The refusal names the budget; the sum of the lines counts, not each."""
    bob = openai_client(node, "bob")

    with pytest.raises(openai.APIStatusError) as refused:
        made(bob, *(line(number, max_tokens=2000) for number in range(40)))

    assert refused.value.response.headers["x-headgate-code"] == "budget_exceeded"
    assert "principal-bob" in str(refused.value)
    assert node.standing("principal:bob").carved_nanos == 0


def test_every_budget_above_is_held_on_and_a_shadow_refuses_nothing(node: TestNode) -> None:
    """Also that of its run, and of the model it is for; too much for the run is refused."""
    client = openai_client(node)
    node.simulator.batches.held = True

    batch = made(client, line(1), run="r1")
    with pytest.raises(openai.APIStatusError) as refused:
        made(client, *(line(number, max_tokens=2000) for number in range(40)), run="r2")

    assert "run" in str(refused.value)
    assert refused.value.response.headers["x-headgate-code"] == "budget_exceeded"
    assert carved(node) == carved(node, "provider:openai") > 0
    node.simulator.batches.held = False
    assert ended(client, batch.id).status == "completed"
    assert carved(node, "provider:openai") == 0
    run = next(each for each in node.standings() if each.id.endswith("/alice/r1"))
    assert 0 < run.delegated_nanos == run.carved_nanos


def test_a_refusal_names_the_lines(node: TestNode) -> None:
    """What cannot be a line of this batch is told by its place."""
    client = openai_client(node)

    with pytest.raises(openai.BadRequestError, match="Line 2: It asks for a stream"):
        made(client, line(1), line(2, stream=True))
    with pytest.raises(openai.BadRequestError, match="Line 3: It is for another model"):
        made(client, line(1), line(2), line(3, model="gpt-5-5"))
    with pytest.raises(
        openai.BadRequestError, match="Line 2: the custom_id 'row 1' is there twice"
    ):
        made(client, line(1), line(1))
    with pytest.raises(openai.NotFoundError, match="Line 1: There is no model 'nobody'"):
        made(client, line(1, model="nobody"))
    with pytest.raises(openai.UnprocessableEntityError, match=r"Line 1: .* may serve a batch"):
        made(client, line(1, model="haiku"))
    with pytest.raises(openai.UnprocessableEntityError, match="Line 1: web_search_options"):
        made(client, line(1, web_search_options={}))


def test_lines_that_fail_cost_nothing(node: TestNode) -> None:
    """What failed is in a file of its own, and in the books at nothing."""
    client = openai_client(node)
    billed, before = node.simulator.bill.total, posted(node)

    batch = ended(client, made(client, line(1), line(2, stream_options={"include_usage": True})).id)
    failed = client.files.content(batch.error_file_id).text.splitlines()

    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    assert [json.loads(each)["custom_id"] for each in failed] == ["row 2"]
    assert posted(node) - before == (node.simulator.bill.total - billed) * 10**9


def test_a_cancelled_batch_frees_what_it_did_not_use(node: TestNode) -> None:
    """What its provider has not run costs nothing."""
    client = openai_client(node)
    node.simulator.batches.held = True
    before = posted(node)
    batch = made(client, line(1), line(2))
    assert carved(node) > 0

    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = ended(client, batch.id)

    assert batch.status == "cancelled"
    assert posted(node) == before


def test_an_expired_batch_costs_what_ran_of_it(node: TestNode) -> None:
    """Its lines that never ran are told as expired, and cost nothing."""
    client = openai_client(node)
    node.simulator.batches.expires = True
    billed, before = node.simulator.bill.total, posted(node)

    batch = ended(client, made(client, line(1), line(2)).id)

    assert batch.status == "expired"
    assert posted(node) - before == (node.simulator.bill.total - billed) * 10**9 > 0


def test_the_books_show_each_line(node: TestNode) -> None:
    """Calls and explain tell of lines by what their client calls them; the check finds no fault."""
    client = openai_client(node)
    batch = ended(client, made(client, line(7)).id)
    call = f"call_{batch.id.removeprefix('batch_')}-1"

    opened = httpx.get(
        f"{node.gateway_url}/v1/calls/{call}",
        headers={"authorization": f"Bearer {node.key()}"},
    ).json()
    (attempt,) = opened["attempts"]
    books, code = headgate(node, "check-books")

    assert attempt["priority"] == "batch"
    assert attempt["session"] == batch.id
    assert attempt["state"] == "measured"
    assert parse_usd(attempt["posted"]) > 0
    assert code == 0, books
    limits = {"organisation@once": parse_usd("100.00")}
    assert not check_journals(node.data_dir, limits, running=True, several=True).problems


@pytest.mark.parametrize("process", ["steward", "worker-0"])
def test_a_batch_outlives_the_processes(node: TestNode, process: str) -> None:
    """Killed between submission and result, the money is still held, and then settled."""
    client = openai_client(node)
    node.simulator.batches.held = True
    billed, before = node.simulator.bill.total, posted(node)
    batch = made(client, line(1), line(2))
    held = carved(node)

    dead = node.kill(process)
    node.await_successor(process, dead)

    assert carved(node) == held
    node.simulator.batches.held = False
    assert ended(openai_client(node), batch.id).status == "completed"
    assert posted(node) - before == (node.simulator.bill.total - billed) * 10**9


@pytest.mark.parametrize("status", [0, 502])
def test_a_batch_whose_taking_was_never_heard_of_is_found_and_not_sent_twice(
    node: TestNode, status: int
) -> None:
    """The provider took it, and the answer was lost, or is that of a server in between."""
    client = openai_client(node)
    node.simulator.batches.lost, node.simulator.batches.status = True, status

    batch = ended(client, made(client, line(1)).id)

    assert batch.status == "completed"
    assert at_provider(node).count(batch.id) == 1


@pytest.mark.parametrize("others", [1, 2])
def test_a_request_that_arrives_after_it_was_looked_for_makes_no_second_batch(
    node: TestNode, others: int
) -> None:
    """It comes between two looks and is found, or finds its file gone."""
    client = openai_client(node)
    node.simulator.batches.late = others

    batch = ended(client, made(client, line(1)).id)

    assert batch.status == "completed"
    assert at_provider(node).count(batch.id) == 1


def test_a_lost_message_batch_is_found_by_its_lines(node: TestNode) -> None:
    """Its provider knows no mark; the names of the lines are in its results."""
    client = anthropic_client(node)
    node.simulator.batches.lost = True
    count = node.simulator.bill.count
    message: Any = {"model": "haiku", "max_tokens": 50}
    message["messages"] = [{"role": "user", "content": "Hello"}]
    requests: Any = [{"custom_id": "one", "params": message}]

    batch = client.messages.batches.create(requests=requests)
    until(
        lambda: client.messages.batches.retrieve(batch.id).processing_status == "ended", "it ended"
    )

    (result,) = client.messages.batches.results(batch.id)
    assert (result.custom_id, result.result.type) == ("one", "succeeded")
    assert node.simulator.bill.count == count + 1
