"""Showing the token: what comes of it, who is signed in by it, and how they sign out."""

import logging
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headgate.console.session import (
    KNOWN_COOKIE,
    KNOWN_S,
    SESSION_COOKIE,
    SESSION_S,
    Seal,
    is_running,
    same,
)
from headgate.console.throttle import PACE_S
from headgate.console.world import ConsoleWorld
from headgate.gateway.listener.addresses import address, client_of

SIGN_IN_PATH = "/login"
SIGN_OUT_PATH = "/logout"
SIGNED_OUT = "out"
"""Says in the query of the form that somebody has just signed out."""

_log = logging.getLogger(__name__)


class Refused(NamedTuple):
    """Why somebody may not look.

    Attributes:
        sentence: What they are told; empty when they have shown nothing yet.
        status: Of the answer: 401, or 429 when no token of theirs is looked at just now.
        wait_s: In how many seconds one is; 0 is now.
    """

    sentence: str
    status: int = 401
    wait_s: int = 0


NOTHING_SHOWN = Refused("")
WRONG = Refused("That is not the token. It is in the configuration.")


class Entry:
    """The way into a console that asks for a token.

    Args:
        console: The console.
        token: Its token.
    """

    def __init__(self, console: ConsoleWorld, token: str) -> None:
        self._console = console
        self._token = token
        self._visits = console.visits
        self._seal = Seal(console.visits.secret, token)

    def is_signed_in(self, request: Request) -> bool:
        """Tell whether a request belongs to a session that has not ended."""
        issued_ns = self._issued_ns(request, SESSION_COOKIE)
        return (
            issued_ns is not None
            and issued_ns not in self._visits.ended
            and is_running(issued_ns, self._console.now_ns())
        )

    def refusal(self, request: Request, shown: str) -> Refused | None:
        """Look at a token that somebody shows, in whatever way; None when it is the right one.

        A browser that was signed in before is told from its address, which an attacker may share.
        """
        now_ns, who = self._console.now_ns(), self._address(request)
        throttle, known = self._visits.strangers, self._issued_ns(request, KNOWN_COOKIE)
        if known is not None:
            throttle, who = self._visits.known, f"{known}"
        wait_s = throttle.wait_s(who, now_ns)
        if wait_s > 0:
            return _too_many(wait_s)
        if same(shown, self._token):
            return None
        if throttle.count(who, shown, now_ns):
            told = "wrong tokens for the console come from %s; one is looked at every %d s"
            _log.warning(told, self._address(request), PACE_S)
        return WRONG

    def signed_in(self, request: Request, path: str) -> Response:
        """Return the answer that begins a session and leads on to `path`."""
        answer = RedirectResponse(local(path), 303)
        for name, span_s in ((SESSION_COOKIE, SESSION_S), (KNOWN_COOKIE, KNOWN_S)):
            answer.set_cookie(
                name,
                self._seal.cookie(name, self._console.now_ns()),
                max_age=span_s,
                httponly=True,
                samesite="strict",
                secure=_is_secure(request),
            )
        return answer

    def signed_out(self, request: Request) -> Response:
        """End the session of a request, if it has one; returns the answer that leads to the form.

        A copy of the cookie is worth nothing from here on. That the browser was signed in stays
        known, or whoever guesses at its address could keep it out from now on.
        """
        issued_ns = self._issued_ns(request, SESSION_COOKIE)
        if issued_ns is not None:
            self._visits.ended.add(issued_ns)
        answer = RedirectResponse(f"{SIGN_IN_PATH}?{SIGNED_OUT}", 303)
        answer.delete_cookie(
            SESSION_COOKIE, httponly=True, samesite="strict", secure=_is_secure(request)
        )
        return answer

    def _issued_ns(self, request: Request, name: str) -> int | None:
        return self._seal.issued_ns(name, request.cookies.get(name, ""))

    def _address(self, request: Request) -> str:
        """Return where a request comes from: an address, or the network it can choose one from.

        Of an IPv6 address that is its /64, which is what a single subscriber has.
        """
        edge = self._console.snapshot.edge
        peer = request.client.host if request.client else ""
        said = ",".join(request.headers.getlist(edge.forwarded_header)).encode("latin-1")
        found = address(client_of(peer, said, edge.forwarded_header.encode(), edge.trusted_proxies))
        if found is None:
            return "nowhere"
        if isinstance(found, IPv4Address):
            return str(found)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"


def _too_many(wait_s: int) -> Refused:
    seconds = "second" if wait_s == 1 else "seconds"
    sentence = f"Too many wrong tokens came from here. Wait {wait_s} {seconds}, then try again."
    return Refused(sentence, 429, wait_s)


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def local(path: str) -> str:
    """Return a path that cannot be read as another host's address (`//host`)."""
    return "/" + path.lstrip("/\\")
