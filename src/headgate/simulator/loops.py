"""The fastest event loop there is."""

import asyncio

import uvloop


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop of uvloop's."""
    return uvloop.new_event_loop()
