"""Batches at Azure OpenAI over a real node, by the official client of OpenAI."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from headgate.simulator.batches import BatchControl
from tests.node.harness import TestNode, once, running_node, until
from tests.node.test_batches import (
    CLOSING,
    carved,
    ended,
    headgate,
    line,
    made,
    openai_client,
    posted,
)

TABLES = """
[providers.azure]
kind = "azure_openai"
base_url = "{url}"
credential = {{ value = "key" }}

[providers.dated]
kind = "azure_openai"
base_url = "{root}"
api_version = "2024-10-21"
credential = {{ value = "token.of.entra" }}

[deployments.night]
provider = "azure"
model = "gpt-5.4-mini-batch"
catalog = "openai/gpt-5.4-mini"

[deployments.dated]
provider = "dated"
model = "gpt-5.4-mini-batch"
catalog = "openai/gpt-5.4-mini"

[deployments.usual]
provider = "azure"
model = "gpt-5.4-mini"
catalog = "openai/gpt-5.4-mini"

[deployments.unpriced]
provider = "azure"
model = "gpt-5.5-batch"
"""
FOREVER = 10**9

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with a provider by Azure's `v1` paths, and one by a dated version."""
    folder = tmp_path_factory.mktemp("azure")
    budgets = [once("organisation", "100.00")]
    with CLOSING, running_node(folder, budgets=budgets, start=False) as running:
        url = running.simulator.azure_url
        tables = TABLES.format(url=url, root=url.removesuffix("/openai/v1"))
        running.config.write_text(running.config.read_text() + tables)
        running.start()
        yield running


@pytest.fixture
def control(node: TestNode) -> Iterator[BatchControl]:
    """What the test does to batches; none is left behind."""
    batches = node.simulator.batches
    yield batches
    for name, value in vars_of(BatchControl()).items():
        setattr(batches, name, value)
    until(lambda: not carved(node), "every batch is settled")


def vars_of(control: BatchControl) -> dict[str, Any]:
    """Return the settings of a control by name."""
    return {name: getattr(control, name) for name in BatchControl.__dataclass_fields__}


def azure(node: TestNode, what: str) -> list[dict[str, Any]]:
    """Return a list of what is at Azure: files or batches."""
    url, key = f"{node.simulator.azure_url}/{what}", {"api-key": "key"}
    found: list[dict[str, Any]] = httpx.get(f"{url}?limit=100", headers=key).json()["data"]
    return found


def uploads(node: TestNode) -> int:
    """Return how many files were uploaded so far."""
    asked = node.simulator.received.all()
    return sum((each.method, each.target[-6:]) == ("POST", "/files") for each in asked)


def billed(node: TestNode) -> int:
    """Return what all providers have billed so far, in nano-dollars."""
    return int(node.simulator.bill.total * 10**9)


@pytest.mark.parametrize(
    ("model", "paths", "url", "header"),
    [
        ("night", ("/openai/v1/files", "/openai/v1/batches"), "/v1/chat/completions", "api-key"),
        (
            "dated",
            ("/openai/files?api-version=2024-10-21", "/openai/batches?api-version=2024-10-21"),
            "/chat/completions",
            "authorization",
        ),
    ],
)
def test_a_batch_waits_for_its_file_and_is_settled_from_its_results(
    node: TestNode, control: BatchControl, model: str, paths: tuple[str, str], url: str, header: str
) -> None:
    """It is held meanwhile, made once, charged what it cost, and nothing of it stays there."""
    client, before, cost = openai_client(node), posted(node), billed(node)
    control.unprocessed = 2

    batch = made(client, line(1, model), line(2, model), line(3, model, stream_options={}))
    assert batch.status == "validating"
    assert carved(node) > 0
    batch = ended(client, batch.id)
    results = client.files.content(batch.output_file_id).text.splitlines()
    failed = client.files.content(batch.error_file_id).text

    asked = [each for each in node.simulator.received.all() if each.method == "POST"][-2:]
    assert tuple(each.target for each in asked) == paths
    assert all(header in dict(each.headers) for each in asked)
    assert f'"url":"{url}","body":{{"model":"gpt-5.4-mini-batch"'.encode() in asked[0].body
    assert (batch.status, batch.metadata) == ("completed", {"project": "night"})
    assert (len(results), "row 3" in failed) == (2, True)
    assert posted(node) - before == billed(node) - cost > 0
    until(lambda: not azure(node, "files"), "the file of lines is deleted")


@pytest.mark.parametrize("lost", [False, True])
def test_a_steward_that_dies_between_file_and_batch_uploads_nothing_twice(
    node: TestNode, control: BatchControl, lost: bool
) -> None:
    """Its successor knows the file, or finds it by its name."""
    client, count, before = openai_client(node), uploads(node), len(azure(node, "batches"))
    control.unprocessed, control.unheard_upload = FOREVER, lost
    batch = made(client, line(1, "night"))
    until(lambda: control.unprocessed < FOREVER, "somebody waits for the file")

    node.await_successor("steward", node.kill("steward"))
    assert carved(node) > 0
    control.unprocessed = 0

    assert ended(openai_client(node), batch.id).status == "completed"
    assert uploads(node) == count + 1
    assert len(azure(node, "batches")) == before + 1


@pytest.mark.parametrize(
    ("name", "value"), [("lost", True), ("status", 504), ("late", 1), ("late", 2)]
)
def test_a_batch_of_which_nothing_was_heard_is_never_made_twice(
    node: TestNode, control: BatchControl, name: str, value: int
) -> None:
    """It is found by its file; what is on its way yet finds the file gone."""
    client, before = openai_client(node), len(azure(node, "batches"))
    spent, cost = posted(node), billed(node)
    control.lost = name != "late"
    setattr(control, name, value)

    batch = ended(client, made(client, line(1, "night")).id)

    assert batch.status == "completed"
    assert len(azure(node, "batches")) == before + 1
    assert posted(node) - spent == billed(node) - cost > 0


@pytest.mark.parametrize(
    ("fault", "model", "why"),
    [
        ("spoilt", "night", "of status 'error'"),
        ("fails", "night", "refused as a whole"),
        (None, "usual", "not of the type GlobalBatch"),
    ],
)
def test_a_batch_that_azure_refuses_fails_and_frees_its_money(
    node: TestNode, control: BatchControl, fault: str | None, model: str, why: str
) -> None:
    """A file that is spoilt, a batch that is none, a deployment of another type."""
    client, before = openai_client(node), posted(node)
    if fault is not None:
        setattr(control, fault, True)

    batch = ended(client, made(client, line(1, model)).id)

    assert batch.status == "failed"
    assert why in batch.errors.data[0].message
    assert (posted(node), carved(node)) == (before, 0)


def test_an_expired_batch_costs_what_ran_of_it(node: TestNode, control: BatchControl) -> None:
    """Its other lines never ran, and cost nothing."""
    client, before, cost = openai_client(node), posted(node), billed(node)
    control.expires = True

    batch = ended(client, made(client, line(1, "night"), line(2, "night")).id)

    assert batch.status == "expired"
    assert posted(node) - before == billed(node) - cost > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"held": True},
        {"unprocessed": FOREVER},
        {"unprocessed": FOREVER, "unheard_upload": True},
    ],
)
def test_a_cancelled_batch_is_free_whether_it_was_made_or_waits_for_its_file(
    node: TestNode, control: BatchControl, settings: dict[str, int]
) -> None:
    """What never ran costs nothing, and its file is deleted, also one that nobody heard of."""
    client, before = openai_client(node), posted(node)
    for name, value in settings.items():
        setattr(control, name, value)
    batch = made(client, line(1, "night"))
    until(lambda: bool(azure(node, "files")), "the file is there")

    client.batches.cancel(batch.id)

    assert ended(client, batch.id).status == "cancelled"
    assert posted(node) == before
    until(lambda: not azure(node, "files"), "the file of lines is deleted")


def test_a_line_that_the_results_do_not_tell_of_is_posted_at_its_hold(
    node: TestNode, control: BatchControl
) -> None:
    """It may have cost: the batch has completed."""
    client, before, cost = openai_client(node), posted(node), billed(node)
    control.untold = 1

    batch = ended(client, made(client, line(1, "night"), line(2, "night")).id)
    told, _ = headgate(node, "explain", f"call_{batch.id.removeprefix('batch_')}-2")

    assert batch.status == "completed"
    assert posted(node) - before > billed(node) - cost
    assert "batch_unreported" in str(told)


def test_a_deployment_without_batch_prices_takes_none(node: TestNode) -> None:
    """Nothing of it could be held; nothing was uploaded."""
    client, count = openai_client(node), uploads(node)

    with pytest.raises(openai.APIStatusError, match="has no batch price now"):
        made(client, line(1, "unpriced"))

    assert uploads(node) == count
    assert carved(node) == 0
