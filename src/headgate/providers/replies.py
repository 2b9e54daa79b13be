"""What error statuses and credentials have in common over providers."""

from typing import Final

from headgate.records.report import Failure
from headgate.units.errors import (
    BODY_INVALID,
    BODY_TOO_LARGE,
    CONTEXT_EXCEEDED,
    MODEL_UNKNOWN,
    UPSTREAM_CREDENTIAL,
    UPSTREAM_ERROR,
    UPSTREAM_OVERLOADED,
    UPSTREAM_RATE_LIMITED,
    UPSTREAM_TIMEOUT,
)

ACCOUNT: Final = Failure(UPSTREAM_CREDENTIAL, retryable=True, pass_through=False)
"""It is about our credential or our account there; another deployment may serve."""

CONTEXT: Final = Failure(CONTEXT_EXCEEDED, retryable=False, pass_through=True)
OVERLOADED: Final = Failure(UPSTREAM_OVERLOADED, retryable=True, pass_through=False)

_BETWEEN_US: Final = Failure(UPSTREAM_ERROR, retryable=True, pass_through=False)
"""It is about the connection, the path or a proxy between us; no client can mend it."""

_BY_STATUS: Final = {
    400: Failure(BODY_INVALID, retryable=False, pass_through=True),
    401: ACCOUNT,
    402: ACCOUNT,
    403: ACCOUNT,
    404: Failure(MODEL_UNKNOWN, retryable=False, pass_through=True),
    405: _BETWEEN_US,
    407: _BETWEEN_US,
    408: Failure(UPSTREAM_TIMEOUT, retryable=True, pass_through=False),
    409: Failure(UPSTREAM_ERROR, retryable=True, pass_through=False),
    411: _BETWEEN_US,
    413: Failure(BODY_TOO_LARGE, retryable=False, pass_through=True),
    421: _BETWEEN_US,
    422: Failure(BODY_INVALID, retryable=False, pass_through=True),
    425: Failure(UPSTREAM_ERROR, retryable=True, pass_through=False),
    426: _BETWEEN_US,
    429: Failure(UPSTREAM_RATE_LIMITED, retryable=True, pass_through=False),
    503: OVERLOADED,
    504: Failure(UPSTREAM_TIMEOUT, retryable=True, pass_through=False),
    529: OVERLOADED,
}
_OTHER_CLIENT: Final = Failure(UPSTREAM_ERROR, retryable=False, pass_through=True)
_OTHER: Final = Failure(UPSTREAM_ERROR, retryable=True, pass_through=False)


def by_status(status: int) -> Failure:
    """Classify a reply by its status alone.

    What is wrong with the client's request passes through; what concerns us (credential,
    account, limits, broken provider) does not. A status that is neither (1xx to 3xx, or an
    unknown one) is the provider's error.
    """
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return _OTHER_CLIENT if 400 <= status < 500 else _OTHER


def credential_bytes(credential: str) -> bytes:
    """Return a credential as bytes of a header.

    Raises:
        ValueError: It is empty, or has characters other than visible ASCII.
    """
    if not credential or not all("!" <= sign <= "~" for sign in credential):
        raise ValueError("a credential must be one word of visible ASCII characters")
    return credential.encode("ascii")
