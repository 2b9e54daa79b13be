"""The tables about providers and the way to them, as types."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from headgate.config.shape import CountOrNone, Day, Millis, Secret, Shape, Text, Texts
from headgate.dial.settings import Resolving, Scope
from headgate.providers.settings import LimitField, OnDisconnect, Prices, Provider

_PROVIDER = Provider("", "", "", "", (), "")
_RESOLVING = Resolving()
MillisOrNone = Annotated[int, Meta(ge=0, le=86_400_000)]


class NetworkShape(Shape, frozen=True, kw_only=True):
    """`[network]`: the way to providers.

    Attributes:
        proxy: None to go there directly.
        proxy_credential: None when the proxy wants none.
        no_proxy: Hosts that are reached directly all the same.
    """

    proxy: Text | None = None
    proxy_credential: Secret | None = None
    no_proxy: tuple[Text, ...] = ()
    addresses: Scope = _PROVIDER.addresses
    dns_ttl_ms: Millis = _RESOLVING.ttl_ms
    dns_stale_ms: MillisOrNone = _RESOLVING.stale_ms


class IssuerShape(Shape, frozen=True, kw_only=True):
    """`[providers.ID.issuer]`: a credential that is got from whoever issues it.

    Attributes:
        ca_file: None for the system's authorities.
        endpoint: None for the kind's own, as with the rest; each kind takes some of them.
    """

    kind: Text
    ca_file: Text | None = None
    endpoint: Text | None = None
    file: Text | None = None
    scope: Text | None = None
    tenant: Text | None = None
    client_id: Text | None = None
    secret: Secret | None = None
    role: Text | None = None
    session: Text | None = None
    region: Text | None = None


class ProviderShape(Shape, frozen=True, kw_only=True):
    """`[providers.ID]`: how to reach a provider.

    Attributes:
        credential: None when the provider takes none.
        credential_command: None for a credential that does not expire.
        issuer: None for a credential that is not got from an endpoint.
        dialects: None for the kind's native ones.
        seller: Whose built-in prices apply; None to know it by the host of `base_url`.
        output_limit_field: None for the kind's own.
        api_version: None for the kind's own.
        region: None when unknown, or known by the host.
        retention_days: None when unknown, as the next one.
        certifications: By name, the last day each holds.
        ca_file: None for the system's authorities.
        client_cert: None when no certificate of ours is shown.
        client_key: None when it stands in `client_cert`.
        proxy: None for the one of `[network]`.
        addresses: None for those of `[network]`.
        allow_plain_http: Lets `http://` reach another machine, unencrypted.
    """

    kind: Text
    base_url: Text
    credential: Secret | None = None
    credential_command: Texts | None = None
    credential_refresh_ms: Millis = _PROVIDER.credential_refresh_ms
    issuer: IssuerShape | None = None
    dialects: Texts | None = None
    seller: Text | None = None
    prices: Prices = _PROVIDER.prices
    on_disconnect: OnDisconnect = _PROVIDER.on_disconnect
    output_limit_field: LimitField | None = None
    api_version: Text | None = None
    region: Text | None = None
    retention_days: CountOrNone | None = None
    trains_on_data: bool | None = None
    certifications: Mapping[str, Day] | None = None
    ca_file: Text | None = None
    client_cert: Text | None = None
    client_key: Text | None = None
    proxy: Text | None = None
    proxy_credential: Secret | None = None
    addresses: Scope | None = None
    allow_plain_http: bool = False
    connect_timeout_ms: Millis = _PROVIDER.connect_timeout_ms
    first_byte_timeout_ms: Millis = _PROVIDER.first_byte_timeout_ms
    idle_timeout_ms: Millis = _PROVIDER.idle_timeout_ms
    total_timeout_ms: Millis = _PROVIDER.total_timeout_ms
    keep_alive_ms: Millis = _PROVIDER.keep_alive_ms
