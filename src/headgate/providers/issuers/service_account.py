"""`service_account`: a token of Google Cloud's for a service account, whose key signs for it.

The claim is that of RFC 7523, signed with RS256. Source:
https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from headgate.providers.issuers.settings import (
    FORM,
    Ask,
    Issued,
    IssuerError,
    IssuerSettings,
    checked_endpoint,
    read_oauth,
)

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
except ModuleNotFoundError:  # The extra `service-account` is not installed: see `ask`.
    CAN_SIGN = False
else:
    CAN_SIGN = True

NEEDS = ("file",)
TAKES = ("scope", "endpoint")

SCOPE_DEFAULT = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3_600
NO_PACKAGE = "signing needs a package more: pip install 'headgate[service-account]'"


class ServiceAccount(Struct):
    """What a key file of a service account says; other fields are left alone."""

    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str = ""


def ask(settings: IssuerSettings, file: bytes, now_ns: int) -> Ask:
    """Return the request, with a claim that is signed anew.

    Raises:
        IssuerError: The file is no key file, or signing needs a package that is not there.
    """
    if not CAN_SIGN:
        raise IssuerError(NO_PACKAGE)
    try:
        account = msgspec.json.decode(file, type=ServiceAccount)
        assertion = signed(account, settings.scope or SCOPE_DEFAULT, now_ns // 1_000_000_000)
    except (ValueError, TypeError) as error:
        # What is wrong with a key may show some of it.
        raise IssuerError("the file is no key of a service account") from error
    url = checked_endpoint(settings.endpoint or account.token_uri)
    return Ask(url, FORM, urlencode({"grant_type": GRANT, "assertion": assertion}).encode())


def read(status: int, body: bytes, _now_ns: int) -> Issued:
    """Read the answer.

    Raises:
        IssuerError: Nothing was issued.
    """
    return read_oauth(status, body)


def signed(account: ServiceAccount, scope: str, now_s: int) -> str:
    """Return the account's signed claim to a token.

    Raises:
        ValueError: The private key cannot be read.
        TypeError: It is of a kind that cannot sign so.
    """
    head = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
    claims = {
        "iss": account.client_email,
        "scope": scope,
        "aud": account.token_uri,
        "iat": now_s,
        "exp": now_s + LIFE_S,
    }
    text = f"{_segment(head)}.{_segment(claims)}"
    try:
        key = serialization.load_pem_private_key(account.private_key.encode(), password=None)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the private key is not of RSA")
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64(signature)}"


def _segment(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
