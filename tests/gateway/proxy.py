"""An HTTP proxy of a test's own: connects, forwards, or answers with a status."""

import asyncio

from tests.gateway.provider import Line, Provider, whole


class HttpProxy:
    """`with HttpProxy() as proxy: ...`; it leads to this machine alone.

    Attributes:
        heads: The heads of what it was asked.
        refusal: The status it answers everything with, 0 to do its work.
    """

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.refusal = 0
        self.server = Provider(self._talk)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.port}"

    async def _talk(self, line: Line) -> None:
        head = await line.head()
        self.heads.append(head)
        method, target, _ = head.split(b" ", 2)
        if self.refusal:
            await line.send(whole(b"{}", status=self.refusal))
            return
        if method == b"CONNECT":
            port = int(target.rpartition(b":")[2])
        else:
            port = int(target.split(b"/")[2].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if method == b"CONNECT":
            await line.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            writer.write(head.replace(target, b"/" + target.split(b"/", 3)[3], 1))
        await line.join(reader, writer)
