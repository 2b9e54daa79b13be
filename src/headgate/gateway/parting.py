"""Parts with a client that was refused, so that it can read why."""

import asyncio

from headgate.gateway import settings


def part(transport: asyncio.Transport, *, linger: bool) -> None:
    """Close a connection behind what was written to it.

    Closed at once, with bytes of the client unread, the connection would be reset, and what was
    written lost. So only our side is closed, and what still comes is thrown away for a while.

    Args:
        transport: The connection.
        linger: Whether the client may still be sending.
    """
    if linger:
        transport.write_eof()
        asyncio.get_running_loop().call_later(settings.LINGER_S, transport.abort)
    else:
        transport.close()
