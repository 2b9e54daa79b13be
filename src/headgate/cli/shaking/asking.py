"""Sends a sample through a gateway, as clients would: pieces at once, their calls in turn."""

import http.client
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from headgate.economics.shocks.bodies import Letter, Writer
from headgate.insights.drill import Past
from headgate.units.usage import Usage

AT_ONCE = 6
TIMEOUT_S = 60.0
TRIES_MAX = 3
"""Official clients ask twice more when they are told to come back."""
AGAIN = frozenset({429, 500, 502, 503, 504, 529})


class Asked(NamedTuple):
    """What a client saw.

    Attributes:
        call: The id of each try's call; empty where no reply told one.
        code: Headgate's word for the refusal, else the status; empty when it was served.
    """

    calls: tuple[str, ...]
    code: str


def ask_all(
    gateway: str,
    pieces: Sequence[Sequence[Past]],
    secret_of: Callable[[Past], str],
    strike: Callable[[], None],
    done: Callable[[], None],
) -> list[Asked]:
    """Send every call once more; returns what became of each, in order.

    What the first call of a piece read from a cache is sent before, so that it is there.

    Args:
        gateway: Its address.
        pieces: The calls.
        secret_of: The key that a call is made with.
        strike: Called when the caches are as they were and nothing was asked yet.
        done: Told of each call that is over.
    """
    lines = [_Line(gateway, Writer(f"p{number}"), secret_of) for number in range(len(pieces))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for job in [
            pool.submit(line.warm, piece[0]) for line, piece in zip(lines, pieces, strict=True)
        ]:
            job.result()
        strike()
        jobs = [
            pool.submit(line.ask, piece, done) for line, piece in zip(lines, pieces, strict=True)
        ]
        return [asked for job in jobs for asked in job.result()]


class _Line(NamedTuple):
    """A client, which asks one thing after another."""

    gateway: str
    writer: Writer
    secret_of: Callable[[Past], str]

    def warm(self, first: Past) -> None:
        """Send what a call will read from a cache."""
        if first.usage.cache_read:
            usage = Usage(cache_write_5m=first.usage.cache_read, output_text=1)
            self.ask([first._replace(usage=usage, output_tokens_max=1)], lambda: None)

    def ask(self, piece: Sequence[Past], done: Callable[[], None]) -> list[Asked]:
        """Send calls in turn."""
        line = http.client.HTTPConnection(urlsplit(self.gateway).netloc, timeout=TIMEOUT_S)
        found = []
        try:
            for call in piece:
                headers = {"authorization": f"Bearer {self.secret_of(call)}"}
                if call.run is not None:
                    headers["x-headgate-run"] = call.run
                found.append(_ask(line, self.writer.letter(call), headers))
                done()
        finally:
            line.close()
        return found


def _ask(line: http.client.HTTPConnection, letter: Letter, headers: Mapping[str, str]) -> Asked:
    sent = {"content-type": "application/json", **headers}
    calls: list[str] = []
    code = ""
    for _ in range(TRIES_MAX):
        try:
            line.request("POST", letter.path, letter.body, sent)
            reply = line.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            line.close()
            return Asked(tuple(calls), "connection_lost")
        calls.append(reply.headers.get("x-headgate-call", ""))
        if reply.status == 200:
            return Asked(tuple(calls), "")
        code = reply.headers.get("x-headgate-code", "") or str(reply.status)
        if reply.status not in AGAIN:
            break
    return Asked(tuple(calls), code)
