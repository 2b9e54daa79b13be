"""The console's server, which runs in the steward's event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from headgate.node.rules import Pages


class _Console(uvicorn.Server):
    """Uvicorn without its own signal handlers: the steward decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def console_server(pages: Pages, host: str, port: int) -> uvicorn.Server:
    """Return the server of the console, not yet started."""
    config = uvicorn.Config(
        pages,
        host=host,
        port=port,
        loop="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return _Console(config)
