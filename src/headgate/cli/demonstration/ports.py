"""Which ports the demonstration listens on."""

import secrets
import socket

HOST = "127.0.0.1"
FROM, UNTIL = 20_000, 32_000
"""Below those that systems give to connections that are opened, so that none of them takes a port
between the moment it is found and that in which it is listened on."""
TRIES_MAX = 50


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    for _ in range(TRIES_MAX):
        port = FROM + secrets.randbelow(UNTIL - FROM)
        if is_free(port):
            return port
    with socket.socket() as tried:
        tried.bind((HOST, 0))
        given: int = tried.getsockname()[1]
    return given
