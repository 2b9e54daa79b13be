"""What is configured of how other machines are reached."""

from typing import Literal, NamedTuple

Scope = Literal["routable", "public", "any"]
"""Where a host may lie: anywhere but at link-local addresses and a cloud's metadata services; at
addresses of the public internet alone; anywhere.
"""


class Proxy(NamedTuple):
    """An HTTP proxy on the way.

    Attributes:
        host: Name or address.
        port: Of TCP.
        credential: `user:password`, empty when it wants none.
    """

    host: str
    port: int
    credential: str = ""

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, port={self.port})"


class Trust(NamedTuple):
    """Whom we trust, and how we prove who we are; all are PEM files.

    Attributes:
        ca_file: Authorities to trust instead of the system's, None for the system's.
        client_cert: Our certificate with its chain, None when we show none.
        client_key: Its private key, None when that stands in `client_cert`.
    """

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


class Resolving(NamedTuple):
    """How long addresses of names are kept.

    Attributes:
        ttl_ms: After so long a name is looked up again.
        stale_ms: So long beyond that its addresses are used while that fails.
        slow_ms: So long a name that is known is waited for, before its old addresses are used.
    """

    ttl_ms: int = 30_000
    stale_ms: int = 600_000
    slow_ms: int = 1_000
