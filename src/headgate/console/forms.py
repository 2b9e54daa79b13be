"""Forms: reading one that was sent, within bounds, and telling that this console has made it."""

import asyncio
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM_BYTES_MAX = 4096
FORM_S = 10
_PURPOSE = b"headgate console form "


async def read_form(request: Request, within_s: float = FORM_S) -> Mapping[str, str]:
    """Return the fields of a form.

    Raises:
        HTTPException: It is larger than any form of this console, or takes too long to come.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for part in request.stream():
                body += part
                if len(body) > FORM_BYTES_MAX:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    return dict(parse_qsl(body.decode("latin-1"), encoding="utf-8", keep_blank_values=True))


def mark_of(secret: bytes, what: str) -> str:
    """Return what a form about something carries, so that no other page can have made it."""
    return hmac.digest(secret, _PURPOSE + what.encode(), "sha256").hex()
