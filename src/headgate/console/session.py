"""Cookies that remember a browser which showed the token; pure.

A cookie is `issued instant in ns "." HMAC-SHA256`, so nothing is kept here and the token itself
never leaves. The HMAC is over the cookie's name, the instant and the token, under a secret that
the steward's process alone knows. So another token ends every session, and nobody finds out about
the token by making cookies: neither by showing them here, where no wrong one is counted, nor from
one that was taken, wherever.
"""

import hmac
from dataclasses import dataclass, field

from headgate.units.instants import NANOS_PER_SECOND

SESSION_COOKIE = "headgate_console"
SESSION_S = 12 * 3600
KNOWN_COOKIE = "headgate_console_known"
"""Marks a browser that has shown the token once; it opens nothing."""
KNOWN_S = 90 * 24 * 3600
_PURPOSE = "headgate console"


def same(left: str, right: str) -> bool:
    """Compare secrets in a time that does not tell how much of them is equal."""
    return hmac.compare_digest(left.encode(), right.encode())


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes cookies, and knows its own.

    Attributes:
        secret: What this process alone knows.
        token: The token under which they are made.
    """

    secret: bytes = field(repr=False)
    token: str = field(repr=False)

    def cookie(self, name: str, now_ns: int) -> str:
        """Return the value of the cookie of that name that is issued now."""
        return f"{now_ns}.{self._mac(name, str(now_ns))}"

    def issued_ns(self, name: str, cookie: str) -> int | None:
        """Return when a cookie of that name was issued, None when it is none of ours."""
        issued, _, mac = cookie.partition(".")
        if not (issued.isascii() and issued.isdecimal() and len(issued) <= 20):
            return None
        return int(issued) if same(mac, self._mac(name, issued)) else None

    def _mac(self, name: str, issued: str) -> str:
        text = f"{_PURPOSE} {name} {issued} {self.token}"
        return hmac.digest(self.secret, text.encode(), "sha256").hex()


def is_running(issued_ns: int, now_ns: int) -> bool:
    """Tell whether a session that began then has not outlived `SESSION_S`."""
    return 0 <= now_ns - issued_ns <= SESSION_S * NANOS_PER_SECOND
