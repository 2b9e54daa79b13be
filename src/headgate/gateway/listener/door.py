"""The door: the socket that clients connect to, opened as the configuration has it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.listener.meeting import MeetingServer
from headgate.gateway.listener.tls import Stamp, TlsError, server_context, stamp
from headgate.gateway.settings import Edge, Tls

BACKLOG = 4_096
LOOK_S = 2
"""How often it is looked whether a certificate was changed."""

FIX = "Put a certificate and the key that belongs to it where [tls] says: taken up in seconds."

Welcome = Callable[[str | None], ClientConnection]
"""Makes what answers a connection whose client has an address; None: as the connection says."""

_log = logging.getLogger(__name__)


class Server(Protocol):
    """What takes connections until it is closed; those that it took stay."""

    def close(self) -> None:
        """Take no more."""


class Door:
    """Where clients come in.

    A certificate that was changed is taken up by listening anew on the same socket: connections
    that wait in it are nobody's yet, so none is lost, and those that are open go on.
    """

    def __init__(
        self,
        edge: Edge,
        listening: socket.socket,
        welcome: Welcome,
        kept: Tls | None = None,
    ) -> None:
        """Keep it closed; `listening` is bound, and closed together with the door.

        Args:
            edge: What it is opened as.
            listening: The socket.
            welcome: Makes what answers a connection.
            kept: The last certificate that was good, None when nobody has kept it.
        """
        self._edge = edge
        self._kept = kept
        self._listening = listening
        self._welcome = welcome
        self._server: Server | None = None
        self._stamp: Stamp = ()

    async def open(self) -> None:
        """Let clients in.

        Raises:
            TlsError: The certificate cannot be used.
        """
        tls = self._edge.tls
        if tls is None:
            self._server = await self._serve(None)
            return
        # Looked at first: what is changed while it is read is read again.
        self._stamp = stamp(tls)
        context = server_context(tls)
        before, self._server = self._server, await self._serve(context)
        if before is not None:
            before.close()

    async def open_anyhow(self) -> None:
        """Let the first clients in, shown the last good certificate while the files are not good.

        Raises:
            TlsError: The certificate cannot be used, and nobody has kept one.
        """
        try:
            await self.open()
        except TlsError as error:
            if self._kept is None:
                raise
            self._server = await self._serve(server_context(self._kept))
            _log.warning("tls: %s The last good one is shown. %s", error, FIX)

    async def keep_fresh(self) -> None:
        """Take up each certificate that is changed, for ever."""
        while self._edge.tls is not None:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Take up a certificate that was changed; one that is no good stays outside."""
        tls = self._edge.tls
        if tls is None or stamp(tls) == self._stamp:
            return
        try:
            await self.open()
        except TlsError as error:
            _log.warning("tls: %s The one before is still shown.", error)
        except OSError as error:
            # No socket is to be had just now; it is looked again.
            self._stamp = ()
            _log.warning("tls: The new certificate cannot be shown yet: %s.", error.strerror)
        else:
            _log.info("tls: The certificate was read anew.")

    def close(self) -> None:
        """Let nobody else in."""
        if self._server is not None:
            self._server.close()
        self._listening.close()

    @property
    def meeting(self) -> bool:
        """Whether anybody has come in who is no client yet, for the handshake is under way."""
        return isinstance(self._server, MeetingServer) and self._server.meeting

    async def _serve(self, context: ssl.SSLContext | None) -> Server:
        # Each server closes a socket of its own; what waits is in the one they all stand for.
        own = self._listening.dup()
        more: dict[str, Any] = {}
        if context is not None:
            more = {"ssl": context, "ssl_handshake_timeout": self._edge.head_timeout_ms / 1_000}
        loop = asyncio.get_running_loop()
        if self._edge.proxy_protocol or context is not None:

            async def meet(connection: socket.socket, client: str) -> object:
                return await loop.connect_accepted_socket(
                    lambda: self._welcome(client), connection, **more
                )

            return MeetingServer(own, self._edge, meet, BACKLOG)
        return await loop.create_server(lambda: self._welcome(None), sock=own, backlog=BACKLOG)
