"""The interfaces that lie in this folder, found by their `KIND`, and what each one must offer."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Protocol, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from headgate.dialects.registry import discover
from headgate.reconcile import admin as folder


class Admin(Protocol):
    """What every module of an interface offers.

    Attributes:
        KIND: Its name in the configuration.
        BASE_URL: Its maker's own address.
        SELLER: Whose reports they are.
    """

    KIND: str
    BASE_URL: str
    SELLER: str

    def headers(self, credential: str, /) -> dict[str, str]:
        """Return the headers that carry the credential."""

    def reports(self, start: datetime, end: datetime, /) -> Iterable[str]:
        """Return the first page of each report of whole days, as paths with queries."""


class _Page(Struct):
    has_more: bool = False
    next_page: str | None = None


_PAGE = msgspec.json.Decoder(_Page)


@cache
def admins() -> dict[str, Admin]:
    """Return every interface by its kind."""
    return {kind: cast(Admin, part) for kind, part in discover(folder).items()}


def next_page(path: str, body: bytes) -> str | None:
    """Return the path of the page after one, None behind the last.

    Raises:
        ValueError: The page is none.
    """
    try:
        page = _PAGE.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    if not page.has_more or not page.next_page:
        return None
    return f"{path.partition('&page=')[0]}&page={quote(page.next_page, safe='')}"
