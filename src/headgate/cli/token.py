"""`headgate token`: an access token for a service account, as a `credential_command` prints it."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail
from headgate.config.addresses import AddressError, parse_base_url

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
except ModuleNotFoundError:  # The extra `service-account` is not installed: see `token`.
    CAN_SIGN = False
else:
    CAN_SIGN = True

SCOPE_DEFAULT = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3_600
TIMEOUT_S = 20
REPLY_BYTES_MAX = 65_536

app = typer.Typer()


class ServiceAccount(Struct):
    """What a key file of a service account says; other fields are left alone."""

    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str = ""


class Granted(Struct):
    """What the token endpoint answers."""

    access_token: str


@app.command()
def token(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Key file (JSON) of the service account.")
    ],
    scope: Annotated[
        str, typer.Option("--scope", help="What the token may be used for.")
    ] = SCOPE_DEFAULT,
) -> None:
    """Print an access token of a service account, which its key signs for."""
    if not CAN_SIGN:
        fail("Signing needs a package more.", "pip install 'headgate[service-account]'")
    try:
        account = msgspec.json.decode(file.read_bytes(), type=ServiceAccount)
        address = parse_base_url(account.token_uri, allow_plain_http=False)
        assertion = signed(account, scope, int(time.time()))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", "Name the key file.", EXIT_NO)
    except (msgspec.DecodeError, AddressError, ValueError, TypeError) as error:
        fail(f"{file} is no key of a service account: {error}", "Make a new key.", EXIT_NO)
    typer.echo(exchanged(address, assertion))


def signed(account: ServiceAccount, scope: str, now_s: int) -> str:
    """Return the account's signed claim to a token (RFC 7523, RS256).

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


def exchanged(address: str, assertion: str) -> str:
    """Return the token that the endpoint gives for a signed claim; without one the command ends."""
    form = urllib.parse.urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
    # The address is http(s), and plain only on this machine: it was parsed as a base address.
    request = urllib.request.Request(address, data=form)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            body = reply.read(REPLY_BYTES_MAX)
        return msgspec.json.decode(body, type=Granted).access_token
    except urllib.error.HTTPError as error:
        error.close()
        problem = f"{address} answered {error.code}."
        fail(problem, "Is the key still valid, and the clock right?", EXIT_NO)
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{address} gave no token: {error}", "Is it reachable from here?", EXIT_UNREACHABLE)


def _segment(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
