"""Writing tables to files: CSV, and any bytes, whole or not at all."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

Value = str | int | Decimal | None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it; what was there is replaced.

    What is there and is no file, such as a pipe, is written to as it is.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


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
