"""A socket to an address.

The loop has this as `sock_connect`, but uvloop's looks the address up once more, in a thread.
"""

import asyncio
import errno
import os
import socket


async def connect(connecting: socket.socket, sockaddr: tuple[object, ...]) -> None:
    """Connect a socket that does not block.

    Raises:
        OSError: There is nobody, or the address is none.
    """
    error = connecting.connect_ex(sockaddr)
    if error == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(connecting, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(connecting)
        error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
