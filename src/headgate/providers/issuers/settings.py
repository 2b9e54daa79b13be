"""What is configured of an issuer, what is asked of it, and what it issues; pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LIFE_DEFAULT_S = 3_600
_CODE = re.compile(r"[A-Za-z_.]{1,64}")


class IssuerError(ValueError):
    """Nothing can be asked for, or nothing was issued; the message shows no secret."""


class IssuerSettings(NamedTuple):
    """How a provider's credential is got; each kind uses some of it.

    Attributes:
        kind: The file of `providers/issuers/` that knows how.
        endpoint: Where it is asked for, None for the kind's own address.
        file: Path of a file that the kind reads each time, None when it reads none.
        scope: What it is for.
        tenant: Whose directory knows the client.
        client_id: Who asks.
        secret: What proves it: a client's secret, or keys.
        role: The role that is taken.
        session: What that is called in the issuer's records.
        region: Where the issuer is.
        ca_file: PEM file of authorities to trust instead of the system's, None for the system's.
    """

    kind: str
    endpoint: str | None = None
    file: str | None = None
    scope: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    secret: str = ""
    role: str | None = None
    session: str | None = None
    region: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"IssuerSettings(kind={self.kind!r}, endpoint={self.endpoint!r})"


class Ask(NamedTuple):
    """A request for a credential, to be posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Ask(url={self.url!r})"


class Issued(NamedTuple):
    """A credential, and for how many seconds it holds."""

    credential: str
    life_s: int

    def __repr__(self) -> str:
        return f"Issued(life_s={self.life_s})"


FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


class _Tokened(Struct):
    access_token: str = ""
    expires_in: int | str = LIFE_DEFAULT_S


class _Refused(Struct):
    error: str = ""


def checked_endpoint(url: str) -> str:
    """Return an address that secrets may be sent to.

    Raises:
        IssuerError: It is none: others could read them.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # Nobody knows whether a password stands in it.
        raise IssuerError("its address is not a URL") from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not safe or not host or port == 0 or "@" in parts.netloc:
        raise IssuerError(f"{parts.scheme}://{host} is no https address")
    return url


def read_oauth(status: int, body: bytes) -> Issued:
    """Read the answer of a token endpoint (RFC 6749, section 5).

    Raises:
        IssuerError: It is a refusal, or not what an endpoint answers.
    """
    if status != 200:
        raise IssuerError(refusal(status, body))
    try:
        said = msgspec.json.decode(body, type=_Tokened)
        life_s = int(said.expires_in)
    except ValueError as error:
        raise IssuerError("the endpoint's answer cannot be read") from error
    if not said.access_token or life_s <= 0:
        raise IssuerError("the endpoint's answer has no token")
    return Issued(said.access_token, life_s)


def refusal(status: int, body: bytes) -> str:
    """Return a sentence about a refusal, with its code when it has a proper one."""
    try:
        code = msgspec.json.decode(body, type=_Refused).error
    except ValueError:
        code = ""
    return f"the endpoint answered {status}" + (f" {code}" if _CODE.fullmatch(code) else "")
