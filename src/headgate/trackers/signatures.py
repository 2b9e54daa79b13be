"""Signatures of messages: HMAC-SHA-256 over the body, compared in constant time; pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from contextlib import suppress

SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks marks a secret, not one
STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def is_same(shown: str | None, expected: str) -> bool:
    """Tell whether what a header shows is what it should, None for no header."""
    return hmac.compare_digest((shown or "").encode(), expected.encode())


def hex_mark(secret: str, body: bytes) -> str:
    """Return the HMAC-SHA-256 of a body in hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard_mark(secret: str, name: str, at: str, body: bytes) -> str:
    """Return a signature of Standard Webhooks (https://www.standardwebhooks.com), `v1,BASE64`.

    Args:
        secret: Base64 behind `whsec_`, or any text.
        name: The message's id.
        at: When it was sent, seconds since 1970.
        body: The message.
    """
    signed = f"{name}.{at}.".encode() + body
    mark = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mark).decode()}"


def is_standard(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether one of the signatures that a message shows is right.

    There may be several with blanks between, while a secret is being changed.
    """
    name, at, shown = (headers.get(each, "") for each in STANDARD_HEADERS)
    expected = standard_mark(secret, name, at, body)
    return any(is_same(each, expected) for each in shown.split(" "))


def _key_of(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        with suppress(ValueError):
            # An empty key would be everybody's.
            if key := base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True):
                return key
    return secret.encode()
