"""Who may look: security headers on every answer, then host, peer and session checks."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.console.entry import NOTHING_SHOWN, SIGN_IN_PATH, Entry, Refused, local
from headgate.console.world import ConsoleWorld, is_loopback

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # Under `no-referrer` a browser hides the origin of a form too, and the guard asks for it.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
STATIC_PREFIX = "/static/"
METRICS_PATH = "/metrics"
READING = frozenset({"GET", "HEAD"})


class Headers:
    """Adds the security headers that an answer does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Guard:
    """Lets a request through, or answers it: wrong host, foreign peer, not signed in."""

    def __init__(
        self,
        app: ASGIApp,
        console: ConsoleWorld,
        entry: Entry | None,
        sign_in_page: Callable[[Request, Refused], Response],
    ) -> None:
        self.app = app
        self.entry = entry
        self.sign_in_page = sign_in_page
        self.hosts = frozenset(host.lower() for host in console.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self.judge(Request(scope)) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    def judge(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1:
            return PlainTextResponse("The request needs one Host header.\n", 400)
        if hosts[0].lower() not in self.hosts:
            return PlainTextResponse("This console does not answer to that host name.\n", 421)
        if not self._is_own(request):
            return PlainTextResponse("Pages of other sites may not ask this console.\n", 403)
        if self.entry is None:
            peer = request.client.host if request.client else ""
            if is_loopback(peer):
                return None
            return PlainTextResponse("Without a token the console serves this machine only.\n", 403)
        return self._judge_session(request, self.entry)

    def _is_own(self, request: Request) -> bool:
        """Tell whether a page of this console may have asked; what changes something must say so.

        Every browser names the origin of a `POST`; a session's cookie is `SameSite` besides.
        """
        origin = request.headers.get("origin")
        if origin is None:
            return request.method in READING
        return origin.lower().partition("://")[2] in self.hosts

    def _judge_session(self, request: Request, entry: Entry) -> Response | None:
        path = request.url.path
        if path.startswith(STATIC_PREFIX) or path == SIGN_IN_PATH:
            return None
        if path == METRICS_PATH:
            return _judge_bearer(request, entry)
        shown = request.query_params.get("token")
        if entry.is_signed_in(request):
            # A token has no business staying in the address bar and the history.
            return None if shown is None else RedirectResponse(local(path), 303)
        refused = NOTHING_SHOWN if shown is None else entry.refusal(request, shown)
        if refused is None:
            return entry.signed_in(request, path)
        return self.sign_in_page(request, refused)


def _judge_bearer(request: Request, entry: Entry) -> Response | None:
    """Judge a program that scrapes: it has no session, and shows the token each time."""
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    refused = entry.refusal(request, shown) if kind.lower() == "bearer" else NOTHING_SHOWN
    if refused is None:
        return None
    if refused.wait_s > 0:
        headers = {"retry-after": str(refused.wait_s)}
        return PlainTextResponse(f"{refused.sentence}\n", refused.status, headers)
    answer = PlainTextResponse("Show the console's token: Authorization: Bearer TOKEN.\n", 401)
    answer.headers["www-authenticate"] = "Bearer"
    return answer
