"""From a host to an open connection."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from headgate.dial.eyeballs import ATTEMPT_DELAY_S, interleaved, race
from headgate.dial.failures import BARRED, PROXY, DialError, connect_reason, tls_reason
from headgate.dial.resolver import Address, Resolver
from headgate.dial.scope import permitted
from headgate.dial.settings import Proxy, Scope
from headgate.dial.sockets import connect
from headgate.dial.tls import ClientContext
from headgate.dial.tunnel import tunnel

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Dialer:
    """Opens connections to one host.

    Args:
        host: Name or address.
        port: Of TCP.
        resolver: Knows where names are.
        tls: The context for the host, None for connections that are not encrypted.
        proxy: The proxy to go through, None to go there directly. It is asked to connect for
            connections with TLS; others end at the proxy, which is then told by each request
            where it goes.
        scope: Where the host may lie. A proxy may lie anywhere, and looks the host up itself.

    Attributes:
        resolver: As given.
        tls: As given.
        proxy: As given.
    """

    def __init__(
        self,
        host: str,
        port: int,
        resolver: Resolver,
        *,
        tls: ClientContext | None = None,
        proxy: Proxy | None = None,
        scope: Scope = "routable",
    ) -> None:
        self.resolver = resolver
        self.tls = tls
        self.proxy = proxy
        self._host = host
        self._port = port
        self._scope: Scope = scope if proxy is None else "any"

    @property
    def forwarding(self) -> Proxy | None:
        """The proxy that each request is sent to, to be forwarded; None when none is."""
        return self.proxy if self.tls is None else None

    async def open(self, protocol: Callable[[], P]) -> P:
        """Return the protocol of a connection that is open, TLS included.

        Raises:
            DialError: There is none; no byte of a request was sent.
        """
        loop = asyncio.get_running_loop()
        connected, opened, given = await self._connected(), None, False
        try:
            if self.tls is not None and self.proxy is not None:
                await tunnel(connected, self._host, self._port, self.proxy.credential)
            name = None if self.tls is None else self._host
            # The standard library's loops close the socket, uvloop's transports its descriptor.
            given = not isinstance(loop, asyncio.BaseEventLoop)
            _, opened = await loop.create_connection(
                protocol, sock=connected, ssl=self.tls, server_hostname=name
            )
        except ssl.SSLError as error:
            raise DialError(tls_reason(error)) from error
        except OSError as error:
            raise DialError(connect_reason(error)) from error
        finally:
            if given:
                # Perhaps it is closed already, and the descriptor somebody else's by now.
                connected.detach()
            elif opened is None:
                connected.close()
        return opened

    async def _connected(self) -> socket.socket:
        """Return a socket to the host, or to the proxy on the way to it."""
        host, port, about = self._host, self._port, ""
        if self.proxy is not None:
            host, port, about = self.proxy.host, self.proxy.port, PROXY
        try:
            known = await self.resolver.addresses(host, port)
            addresses = permitted(known, self._scope)
            if not addresses:
                raise DialError(BARRED)
            ordered = self.resolver.living_first(interleaved(addresses))
            return await race(ordered, self._connect)
        except UnicodeError as error:
            raise DialError(f"{about}connect: the host is no name") from error
        except OSError as error:
            raise DialError(about + connect_reason(error)) from error

    async def _connect(self, address: Address) -> socket.socket:
        loop = asyncio.get_running_loop()
        began_s, is_open = loop.time(), False
        fresh = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            fresh.setblocking(False)
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await connect(fresh, address.sockaddr)
            is_open = True
        except OSError:
            self.resolver.failed(address)
            raise
        except asyncio.CancelledError:
            # Another one was faster, or the time is over.
            if loop.time() - began_s >= ATTEMPT_DELAY_S:
                self.resolver.failed(address)
            raise
        finally:
            if not is_open:
                fresh.close()
        self.resolver.served(address)
        return fresh
