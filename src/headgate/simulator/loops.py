"""The fastest event loop there is."""

import asyncio

try:
    import uvloop
except ModuleNotFoundError:  # there is none for Windows
    uvloop = None


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's if it is installed."""
    if uvloop is None:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
