"""A gate of its own for programs: what they ask by it is of one run, whatever they say.

A program gets this address and a key that is good here alone, until it has ended. Its calls go on
to the gateway with the real key and the name of its run, so that they are held, metered and capped
on that run's budget, and nothing else can be done with them: runs, batches, votes and whatever
else a key may do are not passed on. Bodies go through as they are, streams piece by piece.
"""

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from headgate.gateway.listener.own import Place, line
from headgate.identity.keys import make_key

CALL_TIMEOUT_S = 900
BODY_BYTES_MAX = 64 << 20
PIECE_BYTES = 64 << 10
CLOSING_S = 0.05
"""So often it looks whether it is to listen no more."""
POSTED = re.compile(
    r"/v1/(?:chat/completions|responses|responses/input_tokens|embeddings|messages|messages/count_tokens|images/\w+|audio/\w+)"
    r"|/v1(?:beta)?/models/[^/]+:(?:generateContent|streamGenerateContent|countTokens)"
)
LISTED = re.compile(r"/v1(?:beta)?/models(?:/[^/]+)?")
"""What may be asked: calls of models, and which models there are."""
HOPS = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"proxy-authenticate", "proxy-authorization", "proxy-connection", "expect"}
)
"""Headers of one connection (RFC 9110, 7.6.1); they are made anew for the next one."""
FORWARDED = ("forwarded", "x-forwarded-for")
"""Whose client a proxy says it is; a gateway that trusts one on this machine would believe it."""
KEYS = ("authorization", "x-api-key", "x-goog-api-key")
OWN = "x-headgate-"
"""The gateway's own headers: what a program says by them is left out, save the next few."""
KEPT = frozenset({"x-headgate-session", "x-headgate-task", "x-headgate-horizon"})


@dataclass(slots=True)
class Guest:
    """A program that may ask.

    Attributes:
        run: What its calls are of.
        call: The id of the last one that the gateway named, empty before.
        deployment: Who answered that, empty where nobody did.
        served_model: The model that did.
        lines: The connections on which its calls are.
        is_over: Whether it has ended.
    """

    run: str
    call: str = ""
    deployment: str = ""
    served_model: str = ""
    lines: set[HTTPConnection] = field(default_factory=set)
    is_over: bool = False

    def open(self, place: Place) -> HTTPConnection:
        """Return a connection for a call, which ends with the program.

        Raises:
            OSError: There is none, or the program has ended.
        """
        opened = line(place, CALL_TIMEOUT_S)
        opened.connect()
        self.lines.add(opened)
        if self.is_over:
            self.close(opened)
            raise ConnectionAbortedError("the program has ended")
        return opened

    def close(self, opened: HTTPConnection) -> None:
        """Close a connection of its."""
        self.lines.discard(opened)
        opened.close()

    def end(self) -> None:
        """Break its calls off, so that the gateway sees that nobody waits for them."""
        self.is_over = True
        for each in list(self.lines):
            if each.sock is not None:
                with suppress(OSError):
                    # Of the socket below TLS, which another thread may be reading.
                    socket.socket.shutdown(each.sock, socket.SHUT_RDWR)


class Relay:
    """Passes programs' calls on to a gateway.

    Attributes:
        url: Where programs find it: a loopback address of this machine.
    """

    def __init__(self, place: Place, key: str) -> None:
        """Listen on a free port.

        Args:
            place: The gateway.
            key: The key that pays, which no program sees.
        """
        self.place, self.key = place, key
        self.guests: dict[str, Guest] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.relay = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(CLOSING_S,), daemon=True
        )
        self._thread.start()

    @contextmanager
    def guest(self, run: str) -> Iterator[tuple[str, Guest]]:
        """Yield a key for a program whose calls are of `run`; afterwards it is good no more."""
        key = make_key("eval")
        self.guests[key] = guest = Guest(run)
        try:
            yield key, guest
        finally:
            del self.guests[key]
            guest.end()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    relay: Relay


class _Handler(BaseHTTPRequestHandler):
    """One connection of a program."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked is in the books."""

    def do_GET(self) -> None:
        """Answer which models there are."""
        self._answer(LISTED)

    def do_POST(self) -> None:
        """Answer a call."""
        self._answer(POSTED)

    def _answer(self, allowed: re.Pattern[str]) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        guest = self.server.relay.guests.get(self._key() or query.pop("key", ""))
        length = self.headers.get("content-length", "0")
        if guest is None:
            self._refuse(401, "This key is good for a task of a suite, while it runs.")
        elif allowed.fullmatch(parts.path) is None:
            self._refuse(404, "A task of a suite can call models, and nothing else.")
        elif "transfer-encoding" in self.headers or not length.isdecimal():
            self._refuse(411, "Say how long the body is.")
        elif int(length) > BODY_BYTES_MAX:
            self._refuse(413, "The body is longer than 64 MiB.")
        else:
            path = f"{parts.path}?{urlencode(query)}" if query else parts.path
            self._pass_on(guest, path, self.rfile.read(int(length)))

    def _key(self) -> str:
        for name in KEYS:
            told = self.headers.get(name)
            if told:
                return told.removeprefix("Bearer ").strip()
        return ""

    def _pass_on(self, guest: Guest, path: str, body: bytes) -> None:
        relay, begun = self.server.relay, False
        try:
            opened = guest.open(relay.place)
            try:
                opened.request(self.command, path, body or None, self._headers(relay, guest))
                reply = opened.getresponse()
                self._remember(guest, reply)
                begun = True
                self._give_back(reply)
            finally:
                guest.close(opened)
        except (OSError, ValueError, http.client.HTTPException) as error:
            # What was begun cannot be taken back: whoever reads it sees the connection end.
            self.close_connection = True
            if not begun:
                self._refuse(502, f"The gateway does not answer: {error}")

    def _headers(self, relay: Relay, guest: Guest) -> dict[str, str]:
        told = {name.lower(): value for name, value in self.headers.items()}
        left_out = HOPS | {*KEYS, *FORWARDED, "host", "content-length"}
        kept = {
            name: value
            for name, value in told.items()
            if name not in left_out and (not name.startswith(OWN) or name in KEPT)
        }
        own = {"authorization": f"Bearer {relay.key}", "x-headgate-run": guest.run}
        return kept | own | {"accept-encoding": "identity"}

    @staticmethod
    def _remember(guest: Guest, reply: http.client.HTTPResponse) -> None:
        call = reply.headers.get("x-headgate-call")
        if call is not None:
            guest.call = call
            guest.deployment = reply.headers.get("x-headgate-deployment", guest.deployment)
            guest.served_model = reply.headers.get("x-headgate-model", guest.served_model)

    def _give_back(self, reply: http.client.HTTPResponse) -> None:
        length = reply.headers.get("content-length")
        self.send_response_only(reply.status, reply.reason)
        for name, value in reply.headers.items():
            if name.lower() not in HOPS:
                self.send_header(name, value)
        if length is None:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while piece := reply.read1(PIECE_BYTES):
            self.wfile.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        if length is None:
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"error": {"type": "refused", "message": message}}).encode()
        self.close_connection = True
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        with suppress(OSError):
            # Nobody may be there any more to be told.
            self.end_headers()
            self.wfile.write(body)
