"""Price lists of others, one file per format: a new one is found because it lies here."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Protocol, cast

from headgate.economics.prices.listed import Listed


class Format(Protocol):
    """What a file of this folder has."""

    NAME: str

    def recognises(self, document: Any) -> bool:
        """Tell whether a JSON document is of the format."""
        ...

    def read(self, document: Any) -> Iterator[Listed]:
        """Yield the prices of a document; what is no price by the token is left out."""
        ...


def formats() -> dict[str, Format]:
    """Return the formats by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    found = [cast(Format, importlib.import_module(f"{__name__}.{name}")) for name in names]
    return {each.NAME: each for each in found}
