"""What is left over: settings that nobody has read, each with why and what to do instead."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from headgate.cli.moving.tables import Table

UNKNOWN: Final = (
    "Nothing here is known to be the same.",
    "Look whether docs/reference/configuration.md has what you need it for.",
)


class Leftover(NamedTuple):
    """Settings of one kind; `why` is empty where nothing is lost without them."""

    settings: tuple[str, ...]
    why: str
    instead: str


@cache
def leftovers() -> Sequence[Leftover]:
    """Return what is known of such settings; the first that fits one counts."""
    text = resources.files(__package__).joinpath("leftovers.toml").read_text("utf-8")
    rows = tomllib.loads(text)["leftovers"]
    return tuple(Leftover(tuple(row["settings"]), row["why"], row["instead"]) for row in rows)


def note_rest(table: Table) -> None:
    """Note the keys of a mapping that nobody has read."""
    for key in table.rest():
        why, instead = _known(table.named(key))
        if why:
            table.note(key, why, instead)


def _known(setting: str) -> tuple[str, str]:
    for row in leftovers():
        if any(fnmatchcase(setting, pattern) for pattern in row.settings):
            return row.why, row.instead
    return UNKNOWN
