"""A document as TOML, for a node that reads its configuration from a file."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def toml_text(document: Mapping[str, Any]) -> str:
    """Return TOML that reads as the document: a line per member, tables within as inline ones.

    Raises:
        TypeError: A value is none that TOML has here.
    """
    return "".join(f"{_quoted(name)} = {toml_value(value)}\n" for name, value in document.items())


def toml_value(value: object) -> str:
    """Return a value as TOML writes it.

    Raises:
        TypeError: TOML has none of the kind.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int() | Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(toml_value, value))}]"
        case Mapping():
            members = (f"{_quoted(str(name))} = {toml_value(each)}" for name, each in value.items())
            return f"{{{', '.join(members)}}}"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for those of what lies beyond 16 bits: it stands for itself.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
