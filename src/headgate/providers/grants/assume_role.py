"""`assume_role`: keys of AWS for a while, for keys that last (`AssumeRole`)."""

from urllib.parse import urlsplit

from headgate.providers.envelope import Unsigned
from headgate.providers.grants import sts
from headgate.providers.grants.settings import Ask, GrantError, Token
from headgate.providers.grants.sts import read
from headgate.providers.sigv4 import parse_keys, sign

__all__ = ["read"]

NEEDS = ("role", "secret")
TAKES = ("session", "region", "endpoint")


def ask(token: Token, _file: bytes, now_ns: int) -> Ask:
    """Return the request, signed with the keys that last.

    Raises:
        GrantError: `secret` has no keys in it.
    """
    url, body = sts.endpoint_of(token), sts.form("AssumeRole", token)
    parts = urlsplit(url)
    typed = ((b"content-type", sts.TYPE.encode()),)
    region = sts.region_of(token)
    try:
        keys = parse_keys(token.secret)
    except ValueError as error:
        raise GrantError("`secret` is not ACCESS_KEY_ID:SECRET_ACCESS_KEY") from error
    unsigned = Unsigned(parts.netloc, parts.path or "/", typed, body, region, now_ns)
    proof = sign(keys, unsigned, method="POST", region=region, service=sts.SERVICE)
    headers = {name.decode(): value.decode() for name, value in (*typed, *proof)}
    return Ask(url, headers, body)
