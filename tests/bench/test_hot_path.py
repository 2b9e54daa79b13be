"""The hot path without sockets carries real calls."""

from pathlib import Path

from bench.hot_path import HotPath


def test_a_call_and_a_stream_go_through(tmp_path: Path) -> None:
    """What is timed is a served and priced call, and a stream to its end."""
    path = HotPath(tmp_path)

    path.call()

    assert path.client.last.startswith(b"HTTP/1.1 200")
    assert b"x-headgate-cost-usd: 0.0000" in path.client.last

    path.stream()

    assert (path.client.before + path.client.last).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
