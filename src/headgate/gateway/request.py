"""One HTTP request as the edge hands it on."""

from headgate.identity.directory import Credential


class Request:
    """What was received: method, path, the few headers that matter, the body.

    Attributes:
        path: Without the query.
        key: What the client sent as its credential, None when nothing.
        credential: Who that is, None when nobody.
        forwarded: Headers (lower-case names) that may go upstream, if the dialect says so.
        parts: Body pieces as they came; joined once by `body`.
        keep_alive: Whether the connection stays open afterwards.
    """

    __slots__ = (
        "body_bytes",
        "content_encoding",
        "content_type",
        "credential",
        "expects_continue",
        "forwarded",
        "http10",
        "keep_alive",
        "key",
        "method",
        "parts",
        "path",
        "run",
    )

    def __init__(self) -> None:
        self.method = b""
        self.path = b""
        self.key: bytes | None = None
        self.credential: Credential | None = None
        self.content_type = b""
        self.content_encoding = b""
        self.run: bytes | None = None
        self.expects_continue = False
        self.forwarded: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.keep_alive = True
        self.http10 = False

    def body(self) -> bytes:
        """Return the whole body."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        joined = b"".join(parts)
        self.parts = [joined]
        return joined
