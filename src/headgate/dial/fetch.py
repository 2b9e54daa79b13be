"""One request and its whole answer, on a connection of its own: never for calls."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from headgate.dial.dialer import Dialer
from headgate.dial.failures import DialError
from headgate.dial.tunnel import proof

ANSWER_BYTES_MAX = 1 << 18


class FetchError(Exception):
    """There is no whole answer; the message says why and shows nothing of it."""


class Answer(NamedTuple):
    """What was answered; it may be a credential."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"


class Outgoing(NamedTuple):
    """What is asked.

    Attributes:
        url: Where; it was checked when it was read.
        headers: Names and values of ours, beside the host and the length.
        answer_bytes_max: A larger answer is none.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    answer_bytes_max: int = ANSWER_BYTES_MAX

    def __repr__(self) -> str:
        return f"Outgoing(method={self.method!r}, url={self.url!r})"


class _Reading(asyncio.Protocol):
    """Sends a request and reads its answer."""

    def __init__(self, request: bytes, answer_bytes_max: int) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._request = request
        self._parser = HttpResponseParser(self)
        self._body = bytearray()
        self._read_bytes = 0
        self._answer_bytes_max = answer_bytes_max
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # uvloop has classes of its own that are not asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read on, up to the bound."""
        self._read_bytes += len(data)
        if self._read_bytes > self._answer_bytes_max:
            self._fail("the answer is too large")
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail("the answer is no proper HTTP")

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the answer."""
        self._body += body

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._parser.get_status_code() >= 200 and not self.answer.done():
            self.answer.set_result(Answer(self._parser.get_status_code(), bytes(self._body)))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Whatever is not whole by now never will be."""
        self._fail("the answer broke off")

    def close(self) -> None:
        """Close, whatever is still to come."""
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(FetchError(reason))


async def post(
    dialer: Dialer, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> Answer:
    """Post a body and return the answer.

    Args:
        dialer: Opens connections to the host of `url`.
        url: Where to; it was checked when it was read.
        headers: Names and values of ours, beside the host and the length.
        body: What is posted.
        timeout_s: For all of it.

    Raises:
        FetchError: There is none in time, or it is no HTTP.
    """
    return await fetch(dialer, Outgoing("POST", url, headers, body), timeout_s)


async def fetch(dialer: Dialer, outgoing: Outgoing, timeout_s: float) -> Answer:
    """Ask and return the answer.

    Args:
        dialer: Opens connections to the host of the address.
        outgoing: What is asked.
        timeout_s: For all of it.

    Raises:
        FetchError: There is none in time, or it is no HTTP.
    """
    reading: _Reading | None = None
    request, most = _request(dialer, outgoing), outgoing.answer_bytes_max
    try:
        async with asyncio.timeout(timeout_s):
            reading = await dialer.open(lambda: _Reading(request, most))
            return await reading.answer
    except TimeoutError as error:
        raise FetchError(f"no answer within {timeout_s:g} s") from error
    except DialError as error:
        raise FetchError(error.reason) from error
    finally:
        if reading is not None:
            reading.close()


def _request(dialer: Dialer, outgoing: Outgoing) -> bytes:
    method, url, headers, body, _ = outgoing
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"host: {parts.netloc}", "user-agent: headgate", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if dialer.forwarding is not None:
        target = f"http://{parts.netloc}{target}"
        if dialer.forwarding.credential:
            lines.append(f"proxy-authorization: {proof(dialer.forwarding.credential)}")
    lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines])
    return f"{head}\r\n\r\n".encode() + body
