"""Azure OpenAI's chats, files and batches, asked by the official client."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import openai
import pytest

from headgate.simulator import Simulator

ENDPOINT = "/v1/chat/completions"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    """The official client at the `v1` paths, without retries."""
    with openai.OpenAI(
        api_key="key", base_url=simulator.azure_url, max_retries=0, timeout=5
    ) as made:
        yield made


@pytest.fixture
def dated(simulator: Simulator) -> Iterator[openai.AzureOpenAI]:
    """The official client of a dated version."""
    with openai.AzureOpenAI(
        api_key="key",
        api_version="2024-10-21",
        azure_endpoint=simulator.azure_url.removesuffix("/openai/v1"),
        max_retries=0,
        timeout=5,
    ) as made:
        yield made


def uploaded(client: openai.OpenAI, url: str = ENDPOINT, **more: Any) -> str:
    """Upload a file of two lines; returns its id."""
    body = {"model": "gpt-5.4-mini-batch", "messages": [{"role": "user", "content": "hello"}]}
    lines = [
        {"custom_id": name, "method": "POST", "url": url, "body": body | more}
        for name in ("a", "b")
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    return client.files.create(file=("rows.jsonl", BytesIO(content)), purpose="batch").id


def made(client: openai.OpenAI, file: str, endpoint: Any = ENDPOINT) -> Any:
    """Make a batch of a file."""
    return client.batches.create(input_file_id=file, endpoint=endpoint, completion_window="24h")


def test_a_batch_is_made_of_a_processed_file(simulator: Simulator, client: openai.OpenAI) -> None:
    """Before, it is refused; afterwards it runs, and has a file of failures that is empty."""
    simulator.batches.unprocessed = 1
    file = uploaded(client)
    with pytest.raises(openai.BadRequestError, match="not processed"):
        made(client, file)
    looks = [str(client.files.retrieve(file).status) for _ in range(2)]

    assert looks == ["pending", "processed"]

    batch = made(client, file)
    assert (batch.status, batch.metadata) == ("Validating", None)
    batch = client.batches.retrieve(batch.id)
    assert batch.output_file_id
    assert batch.error_file_id

    assert batch.status == "completed"
    assert len(client.files.content(batch.output_file_id).text.splitlines()) == 2
    assert client.files.content(batch.error_file_id).text == ""
    assert file in [each.id for each in client.files.list(purpose="batch")]
    assert client.batches.list(limit=1).data[0].id == batch.id


def test_dated_versions_have_other_names(dated: openai.AzureOpenAI) -> None:
    """Neither paths nor endpoints have `v1`, and a deployment's name may stand in the path."""
    batch = made(dated, uploaded(dated, "/chat/completions"), "/chat/completions")

    assert dated.batches.retrieve(batch.id).status == "completed"
    with pytest.raises(openai.BadRequestError, match="endpoint"):
        made(dated, uploaded(dated))
    reply = dated.chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": "hello"}]
    )
    assert reply.choices[0].message.content


@pytest.mark.parametrize(
    ("url", "model", "code"),
    [
        ("/chat/completions", "gpt-5.4-mini-batch", "url_mismatch"),
        (ENDPOINT, "gpt-5.4-mini", "invalid_request"),
        (ENDPOINT, "nobody-batch", "model_not_found"),
    ],
)
def test_a_batch_that_is_none_fails_once_it_was_made(
    client: openai.OpenAI, url: str, model: str, code: str
) -> None:
    """No line of it runs."""
    batch = made(client, uploaded(client, url, model=model))
    batch = client.batches.retrieve(batch.id)

    assert batch.status == "failed"
    assert batch.errors is not None
    assert [each.code for each in batch.errors.data or ()] == [code]
    assert batch.output_file_id is None


def test_a_deployment_for_batches_serves_no_calls(client: openai.OpenAI) -> None:
    """Nor does anybody without a key."""
    hello: Any = [{"role": "user", "content": "hello"}]

    assert client.chat.completions.create(model="gpt-5.4-mini", messages=hello).choices
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-5.4-mini-batch", messages=hello)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="invalid").files.list()
