"""AWS Signature Version 4: the headers that prove a request; pure.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html. The path is
signed encoded once more than it is sent, as every service but S3 wants it.
"""

import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from headgate.providers.envelope import Headers, Unsigned
from headgate.providers.replies import credential_bytes
from headgate.units.instants import to_datetime

ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """What AWS knows a caller by; `session_token` is None for keys that last."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Keys(access_key_id={self.access_key_id!r})"


def parse_keys(credential: str) -> Keys:
    """Return the keys of `ACCESS_KEY_ID:SECRET_ACCESS_KEY` or `...:SESSION_TOKEN`.

    Raises:
        ValueError: It is not of that form.
    """
    credential_bytes(credential)
    parts = credential.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError("the credential is not ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]")
    return Keys(*parts)


def sign(keys: Keys, unsigned: Unsigned, *, method: str, region: str, service: str) -> Headers:
    """Return the headers to add: the time, the session token if there is one, the signature."""
    stamp = to_datetime(unsigned.at_ns).strftime("%Y%m%dT%H%M%SZ")
    added = [(b"x-amz-date", stamp.encode())]
    if keys.session_token is not None:
        added.append((b"x-amz-security-token", keys.session_token.encode()))
    host = (b"host", unsigned.host.encode())
    signed = sorted((host, *unsigned.headers, *added))
    names = b";".join(name for name, _ in signed).decode()
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    request = _canonical(method, unsigned, signed, names)
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request).hexdigest()}"
    key = _signing_key(keys.secret_access_key, stamp[:8], region, service)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    proof = f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, "
    proof += f"SignedHeaders={names}, Signature={signature}"
    return (*added, (b"authorization", proof.encode()))


def _canonical(method: str, unsigned: Unsigned, signed: Headers, names: str) -> bytes:
    """Return the canonical request: what both sides agree that was asked."""
    path, _, query = unsigned.path.partition("?")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    lines = b"".join(b"%b:%b\n" % (name, b" ".join(value.split())) for name, value in signed)
    return b"\n".join(
        (
            method.encode(),
            quote(path, safe="/-_.~").encode(),
            "&".join(f"{name}={value}" for name, value in pairs).encode(),
            lines,
            names.encode(),
            hashlib.sha256(unsigned.body).hexdigest().encode(),
        )
    )


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """Return the key of one day, region and service; kept, for it is needed by every request."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
