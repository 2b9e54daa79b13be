"""A provider that answers with what it is given and keeps what it was sent."""

import json
from types import TracebackType
from typing import Any, Self

from tests.gateway.provider import Line, Provider


class Recording:
    """`with Recording() as provider: ...`.

    Attributes:
        answers: What the next requests are answered with, byte for byte.
        heads: The heads of the requests so far.
        bodies: Their bodies as JSON.
        raw: The last body as it came.
    """

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.heads: list[bytes] = []
        self.bodies: list[dict[str, Any]] = []
        self.raw = b""
        self.server = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        while True:
            head, _, self.raw = (await line.request()).partition(b"\r\n\r\n")
            self.heads.append(head)
            self.bodies.append(json.loads(self.raw))
            await line.send(self.answers.pop(0))

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, traceback)

    @property
    def root(self) -> str:
        """Its address without a path."""
        return self.server.url.removesuffix("/v1")

    def header(self, name: str) -> str | None:
        """Return a header of the last request."""
        lines = (line.partition(b": ") for line in self.heads[-1].split(b"\r\n")[1:])
        found = [value.decode() for key, _, value in lines if key == name.encode()]
        return found[0] if found else None

    def path(self) -> str:
        """Return the path of the last request."""
        return self.heads[-1].split(b" ")[1].decode()
