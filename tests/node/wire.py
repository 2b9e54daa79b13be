"""A small HTTP client for tests that need hundreds of calls at once, or one at hand."""

import asyncio
import http.client
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
RESPONSES = "/v1/responses"
INPUT_TOKENS = "/v1/responses/input_tokens"
EMBEDDINGS = "/v1/embeddings"
GEMINI = "/v1beta/models/{model}:generateContent"
GEMINI_COUNT = "/v1beta/models/{model}:countTokens"
GEMINI_STREAM = "/v1beta/models/{model}:streamGenerateContent?alt=sse"
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers by lower-case name, and the whole body.

    Attributes:
        whole: False when the connection ended before the reply did.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    whole: bool = True

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """Headgate's code of a refusal, None when it is none."""
        return self.headers.get("x-headgate-code")


def chat(text: str, *, model: str = "mini", tokens: int = 100, **more: Any) -> bytes:
    """Return a body for `CHAT` whose output is limited to `tokens`."""
    messages = [{"role": "user", "content": text}]
    return json.dumps(
        {"model": model, "messages": messages, "max_completion_tokens": tokens, **more}
    ).encode()


def message(text: str, *, model: str = "haiku", tokens: int = 100, **more: Any) -> bytes:
    """Return a body for `MESSAGES` whose output is limited to `tokens`."""
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": model, "messages": messages, "max_tokens": tokens, **more}).encode()


def response(text: str, *, model: str = "mini", tokens: int = 100, **more: Any) -> bytes:
    """Return a body for `RESPONSES` whose output is limited to `tokens`."""
    return json.dumps({"model": model, "input": text, "max_output_tokens": tokens, **more}).encode()


def embedding(*texts: str, model: str = "embed", **more: Any) -> bytes:
    """Return a body for `EMBEDDINGS`."""
    return json.dumps({"model": model, "input": list(texts), **more}).encode()


def content(text: str, *, tokens: int = 100, **more: Any) -> bytes:
    """Return a body for `GEMINI` and `GEMINI_STREAM` whose output is limited to `tokens`."""
    contents = [{"role": "user", "parts": [{"text": text}]}]
    config = {"maxOutputTokens": tokens}
    return json.dumps({"contents": contents, "generationConfig": config, **more}).encode()


def post(
    url: str,
    path: str,
    key: str | None,
    body: bytes,
    *,
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> Reply:
    """Make one call on a connection of its own and return the whole answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body or None, _headers(key, headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, found, content)


def _headers(key: str | None, headers: dict[str, str] | None) -> dict[str, str]:
    sent = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    return sent


@dataclass(slots=True)
class Call:
    """One call of many that run at once.

    Attributes:
        on_payload: Told of each piece of the reply's body as it comes.
    """

    path: str
    key: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    on_payload: Callable[[bytes], None] = lambda _payload: None


async def send(url: str, call: Call) -> Reply:
    """Make one call; the reply says whether it came whole. Never raises for a cut connection."""
    address = urlsplit(url)
    head = [f"POST {call.path} HTTP/1.1", f"host: {address.netloc}", "connection: close"]
    fields = {**_headers(call.key, call.headers), "content-length": str(len(call.body))}
    head += [f"{name}: {value}" for name, value in fields.items()]
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError:
        return Reply(0, {}, whole=False)
    try:
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + call.body)
        return await _read(reader, call.on_payload)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, on_payload: Callable[[bytes], None]) -> Reply:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return Reply(0, {}, whole=False)
    first, *lines = raw.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(first.split()[1])
    payload = bytearray()
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline() or b"x", 16):
                piece = (await reader.readexactly(size + 2))[:-2]
                payload += piece
                on_payload(piece)
        else:
            payload += await reader.readexactly(int(headers.get("content-length", "0")))
            on_payload(bytes(payload))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return Reply(status, headers, bytes(payload), whole=False)
    return Reply(status, headers, bytes(payload))


async def send_all(url: str, calls: Iterable[Call]) -> list[Reply]:
    """Make many calls at once, each on a connection of its own; replies in their order."""
    return list(await asyncio.gather(*(send(url, call) for call in calls)))
