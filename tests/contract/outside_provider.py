"""A provider from outside the project: it counts and charges by rules of its own.

Nothing of Headgate's or of its simulators' is used here. It speaks Chat Completions as vendors
of such servers do: a dated served model, cached prompts inside the prompt count, reasoning
inside the completion count, usage at the end of a stream for those who ask.
"""

import json
import threading
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

SERVED = "acme-large-2026-10-01"
MILLION = 1_000_000
PRICES = {
    "input": Fraction("0.37"),
    "cache_read": Fraction("0.0925"),
    "output": Fraction("1.115"),
}
"""Dollars per million tokens, as on its price list."""

CACHED_MIN = 64


class OutsideProvider:
    """Serves on a free port of the loopback until it is closed.

    Attributes:
        url: What a client takes as its base address.
        bills: What each reply was billed at, in dollars, by the reply's id.
        asked: The bodies that came, in order.
    """

    def __init__(self) -> None:
        self.bills: dict[str, Fraction] = {}
        self.asked: list[dict[str, Any]] = []
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """Return the id, the text and the usage of a reply, and put it on the bill."""
        with self._lock:
            self.asked.append(body)
            number = len(self.asked)
            texts = [str(each["content"]) for each in body["messages"]]
            prompt = sum(len(text.split()) for text in texts) + 3
            cached = 0
            if texts[0] in self._seen:
                cached = len(texts[0].split()) // CACHED_MIN * CACHED_MIN
            self._seen.add(texts[0])
            limit = body.get("max_completion_tokens") or body["max_tokens"]
            completion = min(limit, 10 + number % 7)
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached},
                "completion_tokens_details": {"reasoning_tokens": number % 3},
            }
            reply = f"acme-{number:05d}"
            self.bills[reply] = (
                (prompt - cached) * PRICES["input"]
                + cached * PRICES["cache_read"]
                + completion * PRICES["output"]
            ) / MILLION
        return reply, "word " * completion, usage


class _Server(ThreadingHTTPServer):
    """The server; its handlers find the provider here."""

    daemon_threads = True
    provider: OutsideProvider


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer a call, streamed or not."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply, text, usage = self.server.provider.answer(body)
        common = {"id": reply, "created": 1, "model": SERVED}
        if body.get("stream"):
            asks = (body.get("stream_options") or {}).get("include_usage")
            self._stream(common, text, usage if asks else None)
            return
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        whole = {**common, "object": "chat.completion", "choices": choices, "usage": usage}
        content = json.dumps(whole).encode()
        self._head("application/json", "content-length", str(len(content)))
        self.wfile.write(content)

    def _head(self, content_type: str, framing: str, value: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header(framing, value)
        self.end_headers()

    def _stream(self, common: dict[str, Any], text: str, usage: dict[str, Any] | None) -> None:
        self._head("text/event-stream", "transfer-encoding", "chunked")
        events: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in text.split()
        ]
        if usage is not None:
            events.append({"choices": [], "usage": usage})
        for event in events:
            whole = {**common, "object": "chat.completion.chunk", **event}
            self._chunk(b"data: " + json.dumps(whole).encode() + b"\n\n")
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, payload: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(payload), payload))
        self.wfile.flush()
