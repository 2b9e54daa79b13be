"""Providers that answer nonsense: one hold, one end, and the books go on."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from headgate.cli.main import app
from tests.node.harness import once, running_node
from tests.node.wire import CHAT, chat, post
from tests.torture.checker import check, render

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def answer(**changed: Any) -> bytes:
    """Return a reply of Chat Completions with some fields changed."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop",
    }
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.4-mini-2026-03-17",
        "choices": [choice],
        "usage": USAGE,
    }
    return json.dumps({**document, **changed}).encode()


@contextmanager
def upstream(bodies: Mapping[str, bytes]) -> Iterator[str]:
    """Serve the body whose name is in the request; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"])).decode()
            body = next(body for name, body in bodies.items() if name in asked)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("x-request-id", "r" * 1_000)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


HUGE = 10**30
NONSENSE = {
    "an id of 400 kB": answer(id="x" * 400_000),
    "a model name of 400 kB": answer(model="x" * 400_000),
    "half a character in the id": answer(id="\ud800"),
    "half a character in the model": answer(model="\ud800"),
    "an id that is a number": answer(id=7),
    "more tokens than 64 bits count": answer(
        usage={"prompt_tokens": HUGE, "completion_tokens": HUGE, "total_tokens": 2 * HUGE}
    ),
    "tokens that cost more than the store holds": answer(
        usage={"prompt_tokens": 2**62, "completion_tokens": 1, "total_tokens": 2**62 + 1}
    ),
    "tokens below zero": answer(usage={"prompt_tokens": -1, "completion_tokens": 1}),
    "more tokens than anybody asked for": answer(
        usage={"prompt_tokens": 9 * 10**8, "completion_tokens": 1, "total_tokens": 9 * 10**8 + 1}
    ),
    "tokens in fractions": answer(usage={"prompt_tokens": 1.5, "completion_tokens": 1}),
    "a usage that is a list": answer(usage=[]),
    "no usage": answer(usage=None),
    "no JSON": b"Hello",
    "nothing": b"",
    "deep JSON": b"[" * 100_000,
    "a service tier of 400 kB": answer(service_tier="x" * 400_000),
}

QUARANTINED = {
    "more tokens than 64 bits count": ("usage_unreadable", f'"prompt_tokens": {HUGE}'),
    "tokens that cost more than the store holds": ("usage_unreadable", f'"prompt_tokens": {2**62}'),
    "tokens below zero": ("usage_unreadable", '"prompt_tokens": -1'),
    "more tokens than anybody asked for": ("usage_absurd", '"prompt_tokens": 900000000'),
    "tokens in fractions": ("usage_unreadable", '"prompt_tokens": 1.5'),
}
"""Of which of them what they gave as usage is kept, and why it was not billed by."""


def test_nonsense_is_posted_once_and_the_books_go_on(tmp_path: Path) -> None:
    """Whatever a provider says, the attempt has one end that can be stored, and calls go on.

    A usage that cannot be right is neither billed nor dropped: the attempt is posted at its hold,
    and what the reply said is kept beside it.
    """
    with (
        upstream(NONSENSE) as url,
        running_node(tmp_path, budgets=[once("organisation", "1000")], openai_url=url) as node,
    ):
        for name in NONSENSE:
            reply = post(node.gateway_url, CHAT, node.key(), chat(name))
            assert reply.status in (200, 502), (name, reply)
        node.await_nothing_held()
        assert node.stop() == 0
    report = check(node.data_dir)
    assert not report.problems, render(report)
    assert report.kinds["settle"] == len(NONSENSE)
    assert all(attempt.posted > 0 for attempt in report.attempts.values())
    kept = listed(node.config, node.data_dir)
    assert {name: row["reason"] for name, row in kept.items()} == {
        name: reason for name, (reason, _text) in QUARANTINED.items()
    }
    for name, (_reason, text) in QUARANTINED.items():
        assert text in kept[name]["quarantined"]
        assert (kept[name]["state"], kept[name]["posted"]) == ("estimated", kept[name]["hold"])


def listed(config: Path, data_dir: Path) -> dict[str, dict[str, Any]]:
    """Return what `headgate calls --quarantined` lists, oldest first, by what was asked for."""
    options = ["--quarantined", "--json", "--config", str(config), "--data-dir", str(data_dir)]
    rows = json.loads(CliRunner().invoke(app, ["calls", *options]).stdout)
    return dict(zip(QUARANTINED, reversed(rows), strict=True))
