"""In which line of a TOML file a dotted key stands, as far as that can be told by its lines."""

import re
from collections import Counter

_HEADER = re.compile(r"\s*\[(?P<list>\[?)(?P<path>[^\]]+)\]+\s*(#.*)?$")
_KEY = re.compile(r"\s*(?P<path>(?:[\w-]+|\"[^\"]*\")(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=")
_QUOTES_AND_BLANKS = re.compile(r"[\"'\s]")


def line_of(text: str, key: str) -> int | None:
    """Return the number of the line where a key stands, or the deepest table that it is to be in.

    Args:
        text: The file.
        key: Dotted, as problems name it, without quotes; rows of a list are counted from 1.

    Returns:
        From 1; None when no part of the key is in the file.
    """
    table, found, depth = "", None, 0
    rows: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            path = table = _bare(header["path"])
            if header["list"]:
                rows[table] += 1
                path = table = f"{table}[{rows[table]}]"
        else:
            member = _KEY.match(line)
            if member is None:
                continue
            path = f"{table}.{_bare(member['path'])}" if table else _bare(member["path"])
        if len(path) > depth and (key == path or key.startswith(f"{path}.")):
            found, depth = number, len(path)
    return found


def _bare(path: str) -> str:
    return _QUOTES_AND_BLANKS.sub("", path)
