"""The paths of batches and files: which there are, which methods they take, whose they are."""

import gzip
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.node.harness import TestNode, running_node
from tests.node.test_batches import CLOSING, ended, line, openai_client, uploaded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals."""
    principals = {"alice": "research", "bob": "sales"}
    folder = tmp_path_factory.mktemp("paths")
    with CLOSING, running_node(folder, principals=principals) as running:
        yield running


def test_files_of_the_other_api_are_not_served(node: TestNode) -> None:
    """Anthropic's files share their path with OpenAI's; nobody gets the one for the other."""
    url, key = node.gateway_url, node.key()
    with (
        anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as client,
        pytest.raises(anthropic.APIStatusError, match="Not served here: Files") as error,
    ):
        client.beta.files.list()

    assert error.value.status_code == 501


def test_batches_of_the_other_api_are_not_served(node: TestNode) -> None:
    """Google's batches share their path with OpenAI's; its clients could not read those."""
    headers = {"x-goog-api-key": node.key(), "x-goog-api-client": "google-genai-sdk/3"}

    reply = httpx.get(f"{node.gateway_url}/v1/batches", headers=headers)

    assert (reply.status_code, reply.json()["error"]["code"]) == (501, 501)


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/files", "/v1/messages/batches", "/v1/runs"])
def test_a_compressed_body_is_refused_as_such(node: TestNode, path: str) -> None:
    """It is a 415 that says what to send, and not called malformed."""
    headers = {"x-api-key": node.key(), "content-encoding": "gzip"}

    reply = httpx.post(f"{node.gateway_url}{path}", headers=headers, content=gzip.compress(b"{}"))

    assert (reply.status_code, reply.headers["accept-encoding"]) == (415, "identity")
    assert reply.headers["x-headgate-code"] == "content_unsupported"


@pytest.mark.parametrize("seconds", [None, 3_600, 2_592_000])
def test_a_file_says_when_it_goes(node: TestNode, seconds: int | None) -> None:
    """That is when its client wants it gone, or after thirty days."""
    url, key = f"{node.gateway_url}/v1", node.key()
    policy: Any = {"anchor": "created_at", "seconds": seconds}
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        file = client.files.create(
            file=("rows.jsonl", b"{}"),
            purpose="batch",
            expires_after=openai.omit if seconds is None else policy,
        )
        shown = client.files.retrieve(file.id)

    assert file.expires_at == file.created_at + (seconds or 30 * 86_400)
    assert shown == file


@pytest.mark.parametrize(
    ("policy", "param"),
    [
        ({"anchor": "created_at", "seconds": 3_599}, "expires_after[seconds]"),
        ({"anchor": "created_at", "seconds": 2_592_001}, "expires_after[seconds]"),
        ({"anchor": "created_at", "seconds": "3600.0"}, "expires_after[seconds]"),
        ({"anchor": "last_active_at", "seconds": 3_600}, "expires_after[anchor]"),
        ({"seconds": 3_600}, "expires_after"),
        ({"anchor": "created_at"}, "expires_after"),
        ({"anchor": "created_at", "seconds": 3_600, "days": 1}, "expires_after"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(node: TestNode, policy: Any, param: str) -> None:
    """Nothing is kept then, and the refusal names the field."""
    url, key = f"{node.gateway_url}/v1", node.key("bob")
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        before = [each.id for each in client.files.list()]

        with pytest.raises(openai.BadRequestError) as refused:
            client.files.create(file=("r.jsonl", b"{}"), purpose="batch", expires_after=policy)

        assert refused.value.param == param
        assert [each.id for each in client.files.list()] == before


def test_results_are_kept_for_as_long_as_the_batch_says(node: TestNode) -> None:
    """The files of answers and of failures alike; a time that is out of range is refused."""
    client = openai_client(node)
    file = uploaded(client, line(1), line(2, stream_options={"include_usage": True}))
    policy: Any = {"anchor": "created_at", "seconds": 7_200}
    short: Any = {**policy, "seconds": 60}
    about: Any = {
        "input_file_id": file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }

    batch = ended(client, client.batches.create(**about, output_expires_after=policy).id)
    with pytest.raises(openai.BadRequestError, match="output_expires_after"):
        client.batches.create(**about, output_expires_after=short)

    for name in (batch.output_file_id, batch.error_file_id):
        kept = client.files.retrieve(name)
        assert kept.expires_at == kept.created_at + 7_200


def kept(node: TestNode, who: str) -> openai.types.FileObject:
    """Return a file that somebody has handed over."""
    url, key = f"{node.gateway_url}/v1", node.key(who)
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        return client.files.create(file=("rows.jsonl", b"{}"), purpose="batch")


def test_a_list_does_not_tell_whether_others_have_a_file(node: TestNode) -> None:
    """Asked for what is behind somebody else's, it answers as for one that nobody has."""
    kept(node, "bob")
    others = kept(node, "alice")
    headers = {"x-api-key": node.key("bob")}

    behind = [
        httpx.get(f"{node.gateway_url}/v1/files", params={"after": name}, headers=headers).json()
        for name in (others.id, "file-0")
    ]

    assert behind[0] == behind[1]


def test_an_unknown_path_names_those_of_batches(node: TestNode) -> None:
    """Whoever mistypes one reads how it is written."""
    reply = httpx.get(f"{node.gateway_url}/v1/batch", headers={"x-api-key": node.key()})

    assert reply.status_code == 404
    assert all(path in reply.text for path in ("/v1/batches", "/v1/files", "/v1/messages/batches"))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/files", "GET, HEAD, POST"),
        ("POST", "/v1/files/file-1", "GET, HEAD, DELETE"),
        ("DELETE", "/v1/batches/batch_1", "GET, HEAD"),
        ("GET", "/v1/messages/batches/batch_1/cancel", "POST"),
        ("GET", "/v1/files/a/b/content", None),
        ("GET", "/v1/batches/batch_1/results", None),
    ],
)
def test_a_wrong_method_is_told_the_right_one(
    node: TestNode, method: str, path: str, allowed: str | None
) -> None:
    """405 with those that the path takes; where there is nothing at all, 404."""
    headers = {"x-api-key": node.key()}
    reply = httpx.request(method, f"{node.gateway_url}{path}", headers=headers)

    assert (reply.status_code, reply.headers.get("allow")) == (405 if allowed else 404, allowed)


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches", "/v1/batches/batch_1", "/v1/runs/r"])
def test_head_is_answered_as_get_without_the_body(node: TestNode, path: str) -> None:
    """Its connection goes on behind it: nothing of a body is in the next reply."""
    headers = {"x-api-key": node.key()}
    with httpx.Client(base_url=node.gateway_url, headers=headers) as client:
        asked, got, health = client.head(path), client.get(path), client.get("/healthz")

    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers["content-length"] == str(len(got.content))
    assert health.json() == {"status": "ok"}
