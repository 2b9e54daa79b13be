"""What a node makes is its owner's alone, even where the umask would leave it open to everybody."""

import os
import signal
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import openai
import pytest

from headgate.node.outcome import last
from tests.node.harness import TestNode, once, running_node, until

EVERYBODYS = stat.S_IRWXG | stat.S_IRWXO
LINE = (
    b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": '
    b'{"model": "mini", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}}'
)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """What is made here is open to everybody, unless whoever makes it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what others may do with a folder and all that is below it, where it is anything."""
    found = {str(path.relative_to(folder)): path.stat().st_mode for path in folder.rglob("*")}
    found["."] = folder.stat().st_mode
    return {name: oct(mode) for name, mode in found.items() if mode & EVERYBODYS}


def worked(node: TestNode) -> None:
    """Have a node keep whatever it keeps: of calls, batches, forms, replies, votes and reloads."""
    key = node.key()
    with openai.OpenAI(base_url=f"{node.gateway_url}/v1", api_key=key, max_retries=0) as client:
        asked = client.chat.completions.with_raw_response.create(
            model="mini",
            messages=[{"role": "user", "content": "Hello"}],
            extra_headers={"idempotency-key": "one"},
        )
        rows = client.files.create(file=("rows.jsonl", BytesIO(LINE)), purpose="batch").id
        client.files.create(file=("long.jsonl", BytesIO(LINE + b" " * 2_000_000)), purpose="batch")
        batch = client.batches.create(
            input_file_id=rows, endpoint="/v1/chat/completions", completion_window="24h"
        ).id
        until(lambda: client.batches.retrieve(batch).status == "completed", "the batch has ended")
    node.await_nothing_held()
    vote = {"call": asked.headers["x-headgate-call"], "verdict": "good", "source": "user"}
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.post(f"{node.gateway_url}/v1/feedback", json=vote, headers=headers).is_success
    node.send_signal("supervisor", signal.SIGHUP)
    until(lambda: last(node.data_dir) is not None, "the configuration was read again")


def test_nothing_that_a_node_makes_is_open_to_others(tmp_path: Path) -> None:
    """Folders and files of journals, batches, files, replies and of what was learned."""
    with running_node(tmp_path, budgets=[once("organisation", "100.00")]) as node:
        worked(node)
        while_it_ran = open_to_others(node.data_dir)
        node.stop()

        assert while_it_ran | open_to_others(node.data_dir) == {}
