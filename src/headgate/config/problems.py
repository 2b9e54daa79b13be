"""What is wrong in a configuration, collected until all of it is known."""

import difflib
from collections.abc import Iterable

from headgate.config.lines import line_of
from headgate.units.errors import ConfigurationError, Problem

LOCATED_MAX = 200
"""Of so many problems the line is told: each is looked for through the whole file."""

SHOWN_MAX = 12
"""How many known names a fix lists at most."""


class Problems:
    """Collects problems of one file, in the order they are found.

    Attributes:
        text: What the file says, to tell the lines; empty until it is read.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self.found: list[Problem] = []

    def add(self, key: str, problem: str, fix: str) -> None:
        """Note a problem; both texts are sentences."""
        line = line_of(self.text, key) if len(self.found) < LOCATED_MAX else None
        self.found.append(Problem(self.file, key, problem, fix, line))

    def unknown(self, key: str, what: str, name: str, known: Iterable[str]) -> None:
        """Note a name that nothing bears, with the near or the known ones as the fix.

        An empty name was noted before.

        Args:
            key: Where the name stands.
            what: What it should name, such as `provider`.
            name: The name that is there.
            known: The names there are.
        """
        if name:
            self.add(key, f"There is no {what} {name!r}.", near(name, known, what))

    def raise_if_any(self) -> None:
        """Raise all problems at once.

        Raises:
            ConfigurationError: There is at least one.
        """
        if self.found:
            raise ConfigurationError(tuple(self.found))


def near(name: str, known: Iterable[str], what: str) -> str:
    """Return the fix for an unknown name: the likeliest, or the known ones."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names:
        return f"Add the {what} to the file first."
    if len(names) == 1:
        return f"Use {names[0]!r}."
    shown = ", ".join(repr(known_name) for known_name in names[:SHOWN_MAX])
    more = ", ..." if len(names) > SHOWN_MAX else ""
    return f"Use one of {shown}{more}."
