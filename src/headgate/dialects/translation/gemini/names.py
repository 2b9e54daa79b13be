"""Google's two names for each field, `maxItems` and `max_items`, and its other manners in JSON."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Raw

from headgate.dialects.opened import Members
from headgate.dialects.translation.fields import Fields, is_object, items_of, malformed, text_of

UNSIGNED: Final = "skip_thought_signature_validator"
"""What stands for the signature of a call that another model made.

Gemini 3 and later refuse a call without a signature; this one is not looked into, see
https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

_SNAKE: Final = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")
_STANDARD: Final = str.maketrans("-_", "+/")


def camel(name: str) -> str:
    """Return a field's name in the spelling that Google's documentation has."""
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def standard_base64(data: str) -> str:
    """Return base64 in the alphabet other dialects want; Google takes the other one as well."""
    return data.translate(_STANDARD)


def is_signature(text: str | None) -> bool:
    """Tell whether somebody has signed; the sign that nobody has comes in either alphabet."""
    return bool(text) and text not in (UNSIGNED, standard_base64(UNSIGNED))


class Names(Fields):
    """The members of an object, taken by their camel-case names however they are written."""

    __slots__ = ("_written",)

    def __init__(
        self, text: Raw | dict[str, Raw], at: str = "", body: Members | None = None
    ) -> None:
        """Read an object, or take one that is read already.

        Raises:
            TranslationError: `text` is something else, or has a field by both its names.
        """
        super().__init__(text, at, body)
        self._written: dict[str, str] = {}
        values: dict[str, Raw] = {}
        for name, value in self._values.items():
            common = camel(name)
            if common in values:
                raise malformed(self.place(name), "it stands there by both its names.")
            self._written[common] = name
            values[common] = value
        self._values = values

    def place(self, name: str) -> str:
        """Return where a member stands, by the name the client gave it."""
        return super().place(self._written.get(name, name))

    def several(self, name: str) -> Iterator["Names"]:
        """Take a list of objects; one alone is a list of one."""
        value = self.raw(name)
        if value is None:
            return iter(())
        if is_object(value):
            return iter((Names(value, self.place(name)),))
        self._values[name] = value
        return self.objects(name)

    def texts(self, name: str) -> list[str]:
        """Take a list of strings; an absent one is empty."""
        value = self.raw(name)
        items = () if value is None else items_of(value, self.place(name))
        return [text_of(item, at) for item, at in items]
