"""The pages that lie in this folder, found by their `KIND`."""

from typing import cast

from headgate.console import pages as folder
from headgate.console.desk import Page
from headgate.dialects.registry import discover


def pages() -> tuple[Page, ...]:
    """Return every page, in the order of the navigation."""
    found = (cast(Page, part) for part in discover(folder).values())
    return tuple(sorted(found, key=lambda page: page.PLACE))
