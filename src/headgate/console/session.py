"""Cookies that remember a browser which showed the token; pure.

A cookie is `issued instant in ns "." HMAC-SHA256 of it under the token`, so nothing is kept
here, the token itself never leaves, and another token ends every session.
"""

import hmac

from headgate.units.instants import NANOS_PER_SECOND

COOKIE_NAME = "headgate_console"
SESSION_S = 12 * 3600
_PURPOSE = b"headgate console session "


def same(left: str, right: str) -> bool:
    """Compare secrets in a time that does not tell how much of them is equal."""
    return hmac.compare_digest(left.encode(), right.encode())


def issue(token: str, now_ns: int) -> str:
    """Return the cookie of a session that begins now."""
    return f"{now_ns}.{_mac(token, str(now_ns))}"


def is_valid(cookie: str, token: str, now_ns: int) -> bool:
    """Tell whether a cookie was issued under this token within the last `SESSION_S`."""
    issued, _, mac = cookie.partition(".")
    if not (issued.isascii() and issued.isdecimal() and len(issued) <= 20):
        return False
    if not same(mac, _mac(token, issued)):
        return False
    return 0 <= now_ns - int(issued) <= SESSION_S * NANOS_PER_SECOND


def _mac(token: str, issued: str) -> str:
    return hmac.digest(token.encode(), _PURPOSE + issued.encode(), "sha256").hex()
