"""A way through an HTTP proxy: `CONNECT` (RFC 9110, section 9.3.6)."""

import asyncio
import base64
import re
import socket

from headgate.dial.failures import PROXY, DialError

HEAD_BYTES_MAX = 65_536
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")


def authority_of(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def proof(credential: str) -> str:
    """Return the value of `proxy-authorization` for a `user:password`."""
    return f"Basic {base64.b64encode(credential.encode()).decode()}"


async def tunnel(connected: socket.socket, host: str, port: int, credential: str) -> None:
    """Have a proxy pass on what is sent to it from now on.

    Args:
        connected: A socket to the proxy, on which nothing was sent yet; it does not block.
        host: Where the proxy shall connect to.
        port: Which port there.
        credential: `user:password`, empty for none.

    Raises:
        DialError: It refuses, or answers what is no answer.
        OSError: The connection broke.
    """
    loop = asyncio.get_running_loop()
    authority = authority_of(host, port)
    lines = [f"CONNECT {authority} HTTP/1.1", f"host: {authority}", "user-agent: headgate"]
    if credential:
        lines.append(f"proxy-authorization: {proof(credential)}")
    await loop.sock_sendall(connected, ("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(connected, HEAD_BYTES_MAX)
        if not piece or len(head) + len(piece) > HEAD_BYTES_MAX:
            raise DialError(f"{PROXY}it broke off, or answered without end")
        head += piece
    status = _STATUS.match(head)
    if status is None:
        raise DialError(f"{PROXY}it does not speak HTTP")
    if not status[1].startswith(b"2"):
        raise DialError(f"{PROXY}{status[1].decode()}")
    if not head.endswith(b"\r\n\r\n"):
        # The other end speaks only when it is spoken to: these bytes are not its.
        raise DialError(f"{PROXY}it sent more than its answer")
