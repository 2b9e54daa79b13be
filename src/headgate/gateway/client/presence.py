"""Whether a client is still there whose bytes are not being read."""

import os
import socket
import sys
from asyncio import BaseTransport
from typing import Final

# TCP_INFO begins with the state (include/net/tcp_states.h): broken off, or closed by the client.
_GONE: Final = (7, 8)


def has_left(transport: BaseTransport) -> bool:
    """Tell whether a client has closed, even behind bytes that were not read yet.

    Only Linux says so; elsewhere it is found out by reading on.
    """
    if sys.platform != "linux":
        return False
    # uvloop's own sockets answer no such question.
    copy = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=copy) as asked:
        return asked.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _GONE
