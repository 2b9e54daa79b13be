"""Loads and what is made of their costs."""

import shutil
import socket
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from bench import rounds, tools
from bench.rounds import Cost, Load

needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not there")


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """The quotient of two medians would mix rounds in which the machine ran at another speed."""
    pairs = [
        (Cost(10, None, 1), Cost(30, 20, 1)),
        (Cost(20, None, 1), Cost(40, 30, 1)),
        (Cost(40, None, 1), Cost(100, 80, 1)),
    ]

    found = rounds.compared("plain", pairs)

    assert (found.base_us, found.whole_us, found.worker_us) == (20, 40, 30)
    assert (found.ratio, found.worker_ratio, found.rounds) == (2.5, 2.0, 3)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The upstream and the load generator, compiled."""
    build = tmp_path_factory.mktemp("build")
    tools.compile_programs(build)
    return build


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sent_to_upstream(build: Path, load: Load, key: str = "sk-bench") -> rounds.Sent:
    """Send a tenth of a second of a load straight to the upstream."""
    port = free_port()
    upstream = subprocess.Popen([str(build / "upstream"), str(port)])
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert upstream.poll() is None
        kind = "stream" if load.streamed else "plain"
        numbers = [str(port), str(load.connections), "0.1", str(load.rate_per_s)]
        done = subprocess.run(
            [str(build / "load"), *numbers, load.model, key, kind],
            capture_output=True,
            check=True,
            text=True,
        )
    finally:
        upstream.terminate()
        upstream.wait()
    return rounds.parse_sent(done.stdout)


@needs_compiler
def test_plain_answers_are_checked_and_counted(programs: Path) -> None:
    """The generator finds the upstream's answers good, as many as it sent."""
    sent = sent_to_upstream(programs, Load("plain", connections=4))

    assert sent.calls > 0
    assert (sent.bad, sent.events) == (0, 0)


@needs_compiler
def test_every_event_of_a_stream_is_counted(programs: Path) -> None:
    """A stream of n chunks has n + 2 events: the last two are the usage and the end."""
    sent = sent_to_upstream(programs, Load("s", 3, model="m-c5-d1", streamed=True))

    assert sent.bad == 0
    assert sent.events == sent.calls * 7


@needs_compiler
def test_calls_on_a_timetable_are_as_many_as_planned(programs: Path) -> None:
    """A fixed rate is kept, whatever the answers take."""
    sent = sent_to_upstream(programs, Load("rate", connections=8, rate_per_s=200))

    assert sent.calls == 20
    assert sent.bad == 0


class Wrong(socketserver.BaseRequestHandler):
    """Answers every request with the same bytes, right or wrong."""

    ANSWERS: ClassVar[dict[str, bytes]] = {
        "refused": b'HTTP/1.1 401 Unauthorized\r\ncontent-length: 15\r\n\r\n"prompt_tokens"',
        "turned away": b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        "without usage": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        "without an end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b'15\r\ndata: "prompt_tokens"\r\n0\r\n\r\n',
    }
    answer = b""

    def handle(self) -> None:
        """Answer until the client is gone."""
        while self.request.recv(65_536):
            self.request.sendall(self.answer)


@needs_compiler
@pytest.mark.parametrize("why", Wrong.ANSWERS)
def test_a_wrong_answer_is_bad(programs: Path, why: str) -> None:
    """A gateway that answers quickly but wrongly has no figures."""
    handler = type("Handler", (Wrong,), {"answer": Wrong.ANSWERS[why]})
    kind = "stream" if why == "without an end" else "plain"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        numbers = [str(server.server_address[1]), "2", "0.05", "0"]
        done = subprocess.run(
            [str(programs / "load"), *numbers, "m", "sk-bench", kind],
            capture_output=True,
            check=True,
            text=True,
        )
        server.shutdown()
    sent = rounds.parse_sent(done.stdout)

    assert sent.calls > 0
    assert sent.bad == sent.calls
    assert sent.turned_away == (sent.calls if why == "turned away" else 0)
