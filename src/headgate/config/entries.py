"""Tables that the catalog reads, such as `[[prices]]`: all that is wrong in one is told at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from headgate.catalog.fields import PriceRowError
from headgate.config.problems import Problems
from headgate.units.errors import Problem

T = TypeVar("T")

FIX = "Correct it; each of its keys is documented."
_OURS = {
    "usd_per_million": "per_million_tokens",
    "per_million": "per_million_tokens",
    "usd_per_unit": "per_unit",
}
"""How our file calls what the price book's own files call otherwise."""


class Entry(NamedTuple):
    """One table of the file.

    Attributes:
        key: Where it stands, such as `fees[1]`.
        name: Its id, empty where tables of its kind have none of their own.
        table: What it says.
        seller: Whose prices it is about; empty where that is nobody, or cannot be told.
        wrong: The keys whose problems are noted already; those found are added.
        keys: The keys that such a table may have.
    """

    key: str
    name: str
    table: Mapping[str, Any]
    seller: str
    wrong: set[str]
    keys: tuple[str, ...]

    def read(
        self,
        reader: Callable[[dict[str, Any]], T],
        instead: Mapping[str, object],
        problems: Problems,
    ) -> T | None:
        """Return what the catalog makes of the table; None if it cannot be used, which is noted.

        The catalog tells the first thing that is wrong. So the table is read again without each,
        until nothing else is found.

        Args:
            reader: Reads a table; raises `PriceRowError`, with the key and what is wrong.
            instead: What a key is read as where it is wrong, of those that must be there.
            problems: Where problems are noted.
        """
        while True:
            good = {name: value for name, value in self.table.items() if name not in self.wrong}
            good |= {name: value for name, value in instead.items() if name in self.wrong}
            try:
                found = reader(good)
            except PriceRowError as error:
                name, sentence = self._placed(str(error))
                if name in self.wrong:
                    return None
                problems.add(f"{self.key}.{name}" if name else self.key, sentence, FIX)
                if not name:
                    return None
                self.wrong.add(name)
            else:
                return None if self.wrong else found

    def _placed(self, message: str) -> tuple[str, str]:
        """Split the catalog's message, `key: what is wrong`, into our key, if any, and a sentence.

        Of several keys, with commas between, the first one is told.
        """
        head, _, rest = message.partition(": ")
        name = head.partition(",")[0]
        name = name if name in self.keys else _OURS.get(name, "")
        if name not in self.keys:
            return "", f"{message[:1].upper()}{message[1:].rstrip('.')}."
        return name, f"{rest[:1].upper()}{rest[1:].rstrip('.')}."


def noted(found: list[Problem], table: str) -> set[str]:
    """Return the keys of a table that problems are about."""
    return {each.key.removeprefix(f"{table}.").partition(".")[0] for each in found}
