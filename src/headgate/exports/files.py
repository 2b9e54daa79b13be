"""Writing tables to files: CSV, and any bytes, whole or not at all."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

Value = str | int | Decimal | None

_FORMULA = re.compile(r"[=+\-@\t\r\n|%＝＋－＠]")  # noqa: RUF001 - the wide ones count as well
_WITHIN = re.compile(rf"(;\"*)(?={_FORMULA.pattern})")
"""Where a cell would begin for a sheet that parts cells by semicolons, as in many countries."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file so that nobody ever sees a part of it; what was there is replaced.

    What is there and is no file, such as a pipe, is written to as it is.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(b"".join(pieces))
        return
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return rows as CSV (RFC 4180, lines end in a line feed); a null is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([plain(value) for value in row] for row in rows)
    return text.getvalue().encode()


def plain(value: Value) -> str:
    """Return a value as text: a decimal without an exponent or useless zeros."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "" if value is None else str(value)


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula.

    What begins as a formula does, and is no number, gets an apostrophe before it, behind a
    semicolon as well (OWASP, "CSV Injection"): the names of models and runs come from clients.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = _WITHIN.sub(r"\1'", text) if ";" in text else text
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
