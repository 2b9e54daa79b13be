"""Forms with files at a node: what a worker needs for them, and what they are known by."""

import threading
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.gateway.media import sound
from tests.node.harness import TestNode, once, running_node
from tests.node.wire import Reply, post

CLIENTS = 20
FILE_BYTES = 25 << 20
GROWTH_MAX = 48 << 20
"""Less than two of the files; all of them together are ten times that."""

PATIENT = "connect_timeout_ms = 60000"
"""The providers run in the process of the clients, who keep it busy."""

HEAR = """
[deployments.hear]
provider = "openai"
model = "whisper-1"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node that transcribes."""
    folder = tmp_path_factory.mktemp("uploads")
    with running_node(
        folder, budgets=[once("team:research", "100000")], provider=PATIENT, extra=HEAR
    ) as running:
        yield running
        running.await_nothing_held()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files(node: TestNode) -> None:
    """Twenty clients send 25 megabytes each at the same time."""
    url = f"{node.gateway_url}/v1"
    data = sound(1) + bytes(FILE_BYTES)

    def transcribe(data: bytes) -> None:
        with openai.OpenAI(api_key=node.key(), base_url=url, max_retries=0) as client:
            client.audio.transcriptions.create(model="hear", file=("a.wav", data))

    transcribe(data[:100_000])
    worker, billed = node.pid("worker-0"), node.simulator.bill.count
    before = _peak(worker)
    callers = [threading.Thread(target=transcribe, args=(data,)) for _ in range(CLIENTS)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()

    grown = _peak(worker) - before
    assert node.simulator.bill.count == billed + CLIENTS
    assert grown < GROWTH_MAX, f"the worker's peak grew by {grown / 2**20:.1f} MB"


@pytest.mark.slow
def test_a_form_that_comes_again_is_known_by_what_it_says(node: TestNode) -> None:
    """Clients send it again with another boundary; another file is another call."""
    part = b'--%b\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'

    def form(boundary: bytes, file: bytes) -> Reply:
        body = part % (boundary, b"model", b"", b"hear")
        body += part % (boundary, b"file", b'; filename="a.mp3"', file)
        headers = {"content-type": f"multipart/form-data; boundary={boundary.decode()}"}
        headers["idempotency-key"] = "form"
        body += b"--%b--\r\n" % boundary
        return post(node.gateway_url, "/v1/audio/transcriptions", node.key(), body, headers=headers)

    before = node.simulator.bill.count
    first, again, other = form(b"x", b"one"), form(b"y", b"one"), form(b"x", b"two")

    assert (first.status, again.status, other.code) == (200, 200, "idempotency_mismatch")
    assert (again.body, again.headers["x-headgate-replayed"]) == (first.body, "true")
    assert node.simulator.bill.count == before + 1


def _peak(pid: int) -> int:
    """Return the most memory a process ever had resident, in bytes."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("this system tells nobody what a process has resident")
    (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) * 1_024
