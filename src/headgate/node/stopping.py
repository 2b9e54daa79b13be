"""How a process of the node is told to stop: by SIGTERM, or by the death of the supervisor."""

import asyncio
import signal


def stop_event(alive_fd: int) -> asyncio.Event:
    """Return an event that is set by SIGTERM, or by the death of the supervisor."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    if alive_fd >= 0:

        def supervisor_ended() -> None:
            loop.remove_reader(alive_fd)
            stop.set()

        loop.add_reader(alive_fd, supervisor_ended)
    return stop
