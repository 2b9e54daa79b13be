"""Control requests at the edge: which paths they are, and what the steward is asked; pure."""

from __future__ import annotations

from typing import Final

from headgate.gateway.client.request import Request
from headgate.gateway.entry import refuse_coding
from headgate.records.control import BODY_BYTES_MAX, RESOURCES, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal

PREFIX: Final = b"/v1/"
PATHS: Final[tuple[bytes, ...]] = tuple(PREFIX + name.encode() for name in RESOURCES)
NAME_CHARS_MAX: Final = 256


def resource_of(path: bytes) -> str | None:
    """Return the resource a path is of, None when it is of none."""
    if not path.startswith(PREFIX):
        return None
    name = path[len(PREFIX) :].partition(b"/")[0].decode("latin-1")
    return name if name in RESOURCES else None


def read(request: Request, resource: str) -> ControlRequest | Refusal:
    """Return a request of somebody known as the steward is asked it, or why it is refused."""
    head, credential = request.head, request.credential
    if credential is None:
        return Refusal(errors.KEY_INVALID, "This path needs a valid key.")
    if (encoded := refuse_coding(head)) is not None:
        return encoded
    body = request.body()
    if len(body) > BODY_BYTES_MAX:
        return Refusal(errors.BODY_TOO_LARGE, f"A body here may have {BODY_BYTES_MAX} bytes.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Refusal(errors.BODY_MALFORMED, f"Byte {error.start} of the body is not UTF-8.")
    return ControlRequest(
        method=head.method.decode("latin-1"),
        resource=resource,
        name=head.path[len(PREFIX) + len(resource) + 1 :][:NAME_CHARS_MAX].decode("latin-1"),
        principal=credential.principal,
        team=credential.team,
        key=credential.key,
        delegated=credential.delegation is not None,
        body=text,
    )
