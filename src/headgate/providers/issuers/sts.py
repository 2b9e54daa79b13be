"""What the issuers of AWS's Security IssuerSettings Service have in common.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

import re
from datetime import datetime
from urllib.parse import urlencode

from headgate.providers.issuers.settings import (
    Issued,
    IssuerError,
    IssuerSettings,
    checked_endpoint,
)
from headgate.units.instants import NANOS_PER_SECOND, from_datetime

SERVICE = "sts"
REGION_DEFAULT = "us-east-1"
SESSION_DEFAULT = "headgate"
TYPE = "application/x-www-form-urlencoded"
_CREDENTIALS = re.compile(rb"<Credentials>(.{1,20000}?)</Credentials>", re.S)
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


def endpoint_of(settings: IssuerSettings) -> str:
    """Return the configured address, else the region's.

    Raises:
        IssuerError: It is not https.
    """
    return checked_endpoint(
        settings.endpoint or f"https://sts.{region_of(settings)}.amazonaws.com/"
    )


def region_of(settings: IssuerSettings) -> str:
    """Return the configured region, else `us-east-1`."""
    return settings.region or REGION_DEFAULT


def form(action: str, settings: IssuerSettings, **more: str) -> bytes:
    """Return the body of a request to take a role."""
    fields = {"Action": action, "Version": "2011-06-15", "RoleArn": settings.role or ""}
    fields["RoleSessionName"] = settings.session or SESSION_DEFAULT
    return urlencode(fields | more).encode()


def read(status: int, body: bytes, now_ns: int) -> Issued:
    """Read the keys out of the answer.

    Raises:
        IssuerError: Nothing was issued.
    """
    if status != 200:
        code = _CODE.search(body)
        named = f" {code[1].decode()}" if code else ""
        raise IssuerError(f"the endpoint answered {status}{named}")
    found = _CREDENTIALS.search(body)
    if found is None:
        raise IssuerError("the endpoint's answer has no keys")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    keys = ":".join(_element(found[1], name) for name in names)
    try:
        until = datetime.fromisoformat(_element(found[1], "Expiration"))
        life_s = (from_datetime(until) - now_ns) // NANOS_PER_SECOND
    except ValueError as error:
        raise IssuerError("the endpoint does not say until when its keys hold") from error
    if life_s <= 0:
        raise IssuerError("the keys have expired; is the clock of this machine right?")
    return Issued(keys, life_s)


def _element(body: bytes, name: str) -> str:
    """Return what stands in an element that has no children and no characters to be unescaped."""
    tag = name.encode()
    found = re.search(rb"<%b>\s*([A-Za-z0-9+/=_.:-]{1,16384})\s*</%b>" % (tag, tag), body)
    if found is None:
        raise IssuerError(f"the endpoint's answer has no {name}")
    return found[1].decode()
