"""Reading a mapping of the file, key by key, so that what nobody has read is known."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from headgate.cli.moving.notes import Notes

VARIABLE: Final = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]{0,127})")
"""How the file refers to a variable of the environment, for any value."""
SECRETS: Final = re.compile(r"(?:^|_)(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)")
"""In the name of a variable that holds a secret, in capitals."""
TEXT_MAX: Final = 512
WRONG: Final = "What it says is not of the form that it has there."
CORRECT: Final = "Correct it in the file and run this again, or write it into headgate.toml."


def variable_of(value: object) -> str | None:
    """Return the variable that a value refers to, None where it stands for itself."""
    found = VARIABLE.fullmatch(value.strip()) if isinstance(value, str) else None
    return None if found is None else found[1]


class Table:
    """A mapping of the file.

    Args:
        values: What it says; anything but a mapping is noted and read as an empty one.
        name: As the file calls it, such as `router_settings`.
        notes: Where what cannot be read is noted.
        environ: Where values that refer to variables are looked up.
        place: The entry of a list that it belongs to.
    """

    def __init__(
        self,
        values: object,
        name: str,
        notes: Notes,
        environ: Mapping[str, str],
        place: str = "",
    ) -> None:
        self.name = name
        self.place = place
        self.notes = notes
        self.environ = environ
        self._left: dict[str, Any] = {}
        if isinstance(values, dict):
            self._left = {key: value for key, value in values.items() if value is not None}
        elif values is not None:
            notes.add(name, WRONG, CORRECT, place)

    def take(self, key: str) -> Any:
        """Return what a key says as it stands; None where it is not there."""
        return self._left.pop(key, None)

    def text(self, key: str) -> str | None:
        """Return a text; one that refers to a variable is what that says, or is noted.

        What is called a secret is not looked up: what is read here is written, and shown.
        """
        value = self.take(key)
        name = variable_of(value)
        if name is not None and SECRETS.search(name.upper()):
            why = f"By its name the variable {name} holds a secret, and none is copied."
            self.note(key, why, "Write it by hand if it is no secret.")
            return None
        if name is not None:
            value = self.environ.get(name, "").strip()
            if not value:
                why = f"It stands in the variable {name}, which is not set here."
                self.note(key, why, f"Export {name} and run this again, or write it by hand.")
                return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            self.note(key, WRONG, CORRECT)
            return None
        if value is not None and len(value) > TEXT_MAX:
            self.note(key, f"It is longer than {TEXT_MAX} characters.", CORRECT)
            return None
        return value or None

    def number(self, key: str) -> Decimal | None:
        """Return a number of at least 0, exact; another one is noted."""
        text = self.text(key)
        if text is None:
            return None
        try:
            found = Decimal(text)
        except InvalidOperation:
            found = Decimal(-1)
        exponent = found.as_tuple().exponent
        # One that is not finite has none.
        if isinstance(exponent, int) and exponent >= -18 and 0 <= found <= 10**12:
            return found
        self.note(key, WRONG, CORRECT)
        return None

    def whole(self, key: str) -> int | None:
        """Return a whole number of at least 1; another one is noted."""
        found = self.number(key)
        if found is None:
            return None
        if found == found.to_integral_value() and 1 <= found <= 10**9:
            return int(found)
        self.note(key, WRONG, CORRECT)
        return None

    def table(self, key: str) -> "Table":
        """Return a mapping within; an empty one where there is none."""
        return Table(self.take(key), self.named(key), self.notes, self.environ, self.place)

    def entries(self, key: str) -> list[Any]:
        """Return a list; what is none is noted, and an empty one stands for it."""
        value = self.take(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self.note(key, WRONG, CORRECT)
        return []

    def members(self, key: str) -> dict[str, Any]:
        """Return a mapping as it stands; what is none is noted, and an empty one stands for it."""
        value = self.take(key)
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.note(key, WRONG, CORRECT)
        return {}

    def has(self, key: str) -> bool:
        """Tell whether a key is there that nobody has read."""
        return key in self._left

    def note(self, key: str, why: str, instead: str) -> None:
        """Note one of the keys."""
        self.notes.add(self.named(key), why, instead, self.place)

    def named(self, key: str) -> str:
        """Return a key with the mapping that it stands in."""
        return f"{self.name}.{key}" if self.name else key

    def rest(self) -> Iterator[str]:
        """Yield the keys that nobody has read."""
        return iter(tuple(self._left))
