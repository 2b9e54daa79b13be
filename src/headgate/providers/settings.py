"""What the configuration says of a provider: how to reach it and what it does on a disconnect."""

from typing import Literal, NamedTuple

from headgate.catalog.compliance import UNKNOWN, Treatment
from headgate.dial.settings import Proxy, Scope, Trust
from headgate.providers.issuers.settings import IssuerSettings

OnDisconnect = Literal["drain", "cancel"]
Prices = Literal["book", "reported"]
LimitField = Literal["max_tokens", "max_completion_tokens"]

OLDER_LIMIT: LimitField = "max_tokens"
"""The name of the output limit that most servers know, and many know alone."""


class Provider(NamedTuple):
    """Our credentials and base address at a provider.

    Attributes:
        kind: The file of `providers/` that knows it.
        base_url: `http(s)://host[:port][/path]`, without a trailing slash.
        credential: The provider's key, empty when it takes none.
        credential_command: Program and arguments that print a credential; empty when none.
        credential_refresh_ms: How often it is run.
        token: How a credential that expires is got from an endpoint, None when it is not.
        dialects: The wire formats it speaks natively.
        seller: Whose price rows apply, such as `openai`; the provider's own id when unknown.
        on_disconnect: What becomes of a stream whose client went away: `drain` reads it to its
            end for the exact usage, `cancel` closes it and posts the bound.
        prices: What a call is posted at: its usage by the price book, or what the reply says was
            charged.
        limit_field: The output limit field inserted when a body has none, the older one also beside
            the newer one; None: the kind knows.
        api_version: The version of its interface to ask for, None for the kind's own.
        region: Where it is, None when unknown; kinds that sign need it where the host is silent.
        trust: Whose certificates count, and which of ours is shown.
        proxy: The HTTP proxy to go through, None to go there directly.
        addresses: Where its host may lie.
        connect_timeout_ms: For the name, TCP, a proxy and TLS together.
        first_byte_timeout_ms: From the end of the request to the first byte of the reply.
        idle_timeout_ms: Between two reads of a reply.
        total_timeout_ms: From the request to the end of the reply.
        treatment: How it treats what it is sent, where a deployment does not say.
        keep_alive_ms: How long an idle connection is kept for the next call.
    """

    id: str
    kind: str
    base_url: str
    credential: str
    dialects: tuple[str, ...]
    seller: str
    on_disconnect: OnDisconnect = "drain"
    limit_field: LimitField | None = None
    api_version: str | None = None
    region: str | None = None
    trust: Trust = Trust()
    proxy: Proxy | None = None
    connect_timeout_ms: int = 5_000
    first_byte_timeout_ms: int = 600_000
    idle_timeout_ms: int = 300_000
    total_timeout_ms: int = 3_600_000
    keep_alive_ms: int = 15_000
    credential_command: tuple[str, ...] = ()
    credential_refresh_ms: int = 2_700_000
    issuer: IssuerSettings | None = None
    prices: Prices = "book"
    treatment: Treatment = UNKNOWN
    addresses: Scope = "routable"

    def __repr__(self) -> str:
        return f"Provider(id={self.id!r}, kind={self.kind!r}, base_url={self.base_url!r})"
