"""A second request on a connection that is busy keeps the bounds of any other."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.node.harness import once, running_node
from tests.node.wire import CHAT, chat

HEAD_BYTES_MAX = 64 << 10


def test_an_endless_head_behind_a_running_call_is_cut_off(tmp_path: Path) -> None:
    """While a call runs its client cannot fill our memory with the head of the next request."""
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        node.simulator.gate.close()
        address = urlsplit(node.gateway_url)
        assert address.hostname and address.port
        body = chat("Hello")
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {node.key()}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(head.encode() + body)
            assert node.simulator.gate.wait(1, 10)
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx-endless: ")
            sent = 0
            try:
                while sent < 64 * HEAD_BYTES_MAX:
                    sent += client.send(b"x" * 4_096)
                cut = client.recv(1) == b""
            except (ConnectionError, BrokenPipeError):
                cut = True
            assert cut
            assert sent < 64 * HEAD_BYTES_MAX
        node.simulator.gate.release()
        node.await_nothing_held()
