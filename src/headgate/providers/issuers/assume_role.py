"""`assume_role`: keys of AWS for a while, for keys that last (`AssumeRole`)."""

from urllib.parse import urlsplit

from headgate.providers.envelope import Unsigned
from headgate.providers.issuers import sts
from headgate.providers.issuers.settings import Ask, IssuerError, IssuerSettings
from headgate.providers.issuers.sts import read
from headgate.providers.sigv4 import parse_keys, sign

__all__ = ["read"]

NEEDS = ("role", "secret")
TAKES = ("session", "region", "endpoint")


def ask(settings: IssuerSettings, _file: bytes, now_ns: int) -> Ask:
    """Return the request, signed with the keys that last.

    Raises:
        IssuerError: `secret` has no keys in it.
    """
    url, body = sts.endpoint_of(settings), sts.form("AssumeRole", settings)
    parts = urlsplit(url)
    typed = ((b"content-type", sts.TYPE.encode()),)
    region = sts.region_of(settings)
    try:
        keys = parse_keys(settings.secret)
    except ValueError as error:
        raise IssuerError("`secret` is not ACCESS_KEY_ID:SECRET_ACCESS_KEY") from error
    unsigned = Unsigned(parts.netloc, parts.path or "/", typed, body, region, now_ns)
    proof = sign(keys, unsigned, method="POST", region=region, service=sts.SERVICE)
    headers = {name.decode(): value.decode() for name, value in (*typed, *proof)}
    return Ask(url, headers, body)
