"""The formats of events: each file of this folder with a `NAME`."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Every process reads the configuration; few of them open the store, as what makes events does.
    from headgate.exports.events.event import Format


@cache
def formats() -> "dict[str, Format]":
    """Return the formats by name, sorted."""
    names = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = (importlib.import_module(f"headgate.exports.events.{name}") for name in names)
    found: list[Format] = [each for each in modules if hasattr(each, "NAME")]
    return {each.NAME: each for each in found}
