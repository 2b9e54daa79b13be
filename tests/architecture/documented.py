"""The one place that says which names the reference has to explain, and how they are found.

To put a public surface under test, give its subject a `discover`: a function that imports the code
and returns the names a reader may look up. Each name then needs a heading on the subject's page.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.discovery import discover
from headgate.config.shapes import TABLES
from headgate.units import errors
from tests.architecture.repository import ROOT

REFERENCE = ROOT / "docs" / "reference"
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.M | re.S)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.M)


@dataclass(frozen=True, slots=True)
class Subject:
    """Names that the public may use, and the page that explains them.

    Attributes:
        name: What the names are, as a plural.
        page: A file of `docs/reference/`.
        discover: Returns the names from the code; None until there is code to ask.
    """

    name: str
    page: str
    discover: Callable[[], Iterable[str]] | None


def error_codes() -> list[str]:
    """Return every code that a client can meet, of refusals and errors alike."""
    return [value.code for value in vars(errors).values() if isinstance(value, errors.Code)]


def configuration_tables() -> list[str]:
    """Return every table of headgate.toml as its heading; `tests/config` asks for each key."""
    forms = {"single": "[{}]", "named": "[{}.ID]", "list": "[[{}]]"}
    return [forms[kind].format(name) for name, (kind, _) in TABLES.items()]


SUBJECTS = (
    Subject("CLI commands", "cli.md", discover),
    Subject("configuration tables", "configuration.md", configuration_tables),
    Subject("error codes", "errors.md", error_codes),
)


def prose(path: Path) -> str:
    """Return a page's text without its fenced code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[str]:
    """Return a page's headings in order, without the marks for code and links."""
    return [heading.replace("`", "") for heading in HEADING.findall(prose(path))]


def unexplained(page: Path, names: Iterable[str]) -> list[str]:
    """Return the names that no heading of `page` has as one of its words."""
    words = {word.strip(",:()") for heading in headings(page) for word in heading.split()}
    whole = set(headings(page))
    return sorted(name for name in names if name not in words and name not in whole)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, spelt as code hosts spell them."""
    found: dict[str, int] = {}
    result = set()
    for heading in headings(path):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        result.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return result
