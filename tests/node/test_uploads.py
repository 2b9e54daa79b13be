"""What a worker needs for forms with files, as its operating system sees it."""

import os
import threading
from pathlib import Path

import openai
import pytest

from tests.gateway.media import sound
from tests.node.harness import once, running_node

CLIENTS = 20
FILE_BYTES = 25 << 20
GROWTH_MAX = 48 << 20
"""Less than two of the files; all of them together are ten times that."""

HEAR = """
[deployments.hear]
provider = "openai"
model = "whisper-1"
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """Twenty clients send 25 megabytes each at the same time."""
    with running_node(tmp_path, budgets=[once("team:research", "100000")], extra=HEAR) as node:
        url = f"{node.gateway_url}/v1"
        data = sound(1) + bytes(FILE_BYTES)

        def transcribe(data: bytes) -> None:
            with openai.OpenAI(api_key=node.key(), base_url=url, max_retries=0) as client:
                client.audio.transcriptions.create(model="hear", file=("a.wav", data))

        transcribe(data[:100_000])
        worker = node.pid("worker-0")
        before = _peak(worker)
        callers = [threading.Thread(target=transcribe, args=(data,)) for _ in range(CLIENTS)]
        for each in callers:
            each.start()
        for each in callers:
            each.join()

        grown = _peak(worker) - before
        assert node.simulator.bill.count == CLIENTS + 1
        assert grown < GROWTH_MAX, f"the worker's peak grew by {grown / 2**20:.1f} MB"
        node.await_nothing_held()


def _peak(pid: int) -> int:
    """Return the most memory a process ever had resident, in bytes."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("this system tells nobody what a process has resident")
    (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) * 1_024 if os.name == "posix" else 0
