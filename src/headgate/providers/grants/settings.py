"""What is configured of a token, what is asked for it, and what is granted; pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LIFE_DEFAULT_S = 3_600
_CODE = re.compile(r"[A-Za-z_.]{1,64}")


class GrantError(ValueError):
    """Nothing can be asked for, or nothing was granted; the message shows no secret."""


class Token(NamedTuple):
    """How a provider's credential is got; each grant uses some of it.

    Attributes:
        grant: The file of `providers/grants/` that knows how.
        endpoint: Where it is asked for, None for the grant's own address.
        file: Path of a file that the grant reads each time, None when it reads none.
        scope: What it is for.
        tenant: Whose directory knows the client.
        client_id: Who asks.
        secret: What proves it: a client's secret, or keys.
        role: The role that is taken.
        session: What that is called in the issuer's records.
        region: Where the issuer is.
    """

    grant: str
    endpoint: str | None = None
    file: str | None = None
    scope: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    secret: str = ""
    role: str | None = None
    session: str | None = None
    region: str | None = None

    def __repr__(self) -> str:
        return f"Token(grant={self.grant!r}, endpoint={self.endpoint!r})"


class Ask(NamedTuple):
    """A request for a token, to be posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Ask(url={self.url!r})"


class Granted(NamedTuple):
    """A credential, and for how many seconds it holds."""

    credential: str
    life_s: int

    def __repr__(self) -> str:
        return f"Granted(life_s={self.life_s})"


FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


class _Tokened(Struct):
    access_token: str = ""
    expires_in: int | str = LIFE_DEFAULT_S


class _Refused(Struct):
    error: str = ""


def checked_endpoint(url: str) -> str:
    """Return an address that secrets may be sent to.

    Raises:
        GrantError: It is none: others could read them.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise GrantError(f"{url!r} is not a URL") from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not safe or not host or port == 0 or "@" in parts.netloc:
        raise GrantError(f"{parts.scheme}://{host} is no https address")
    return url


def read_oauth(status: int, body: bytes) -> Granted:
    """Read the answer of a token endpoint (RFC 6749, section 5).

    Raises:
        GrantError: It is a refusal, or not what an endpoint answers.
    """
    if status != 200:
        raise GrantError(refusal(status, body))
    try:
        said = msgspec.json.decode(body, type=_Tokened)
        life_s = int(said.expires_in)
    except ValueError as error:
        raise GrantError("the endpoint's answer cannot be read") from error
    if not said.access_token or life_s <= 0:
        raise GrantError("the endpoint's answer has no token")
    return Granted(said.access_token, life_s)


def refusal(status: int, body: bytes) -> str:
    """Return a sentence about a refusal, with its code when it has a proper one."""
    try:
        code = msgspec.json.decode(body, type=_Refused).error
    except ValueError:
        code = ""
    return f"the endpoint answered {status}" + (f" {code}" if _CODE.fullmatch(code) else "")
