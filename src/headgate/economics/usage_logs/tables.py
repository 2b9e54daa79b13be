"""Logs that are tables: CSV with a head."""

import csv
import io
from collections.abc import Iterator, Mapping

from headgate.economics.usage_logs.record import Tally


def columns_of(head: bytes) -> set[str]:
    """Return the names in the first line of a CSV file; empty when it is no text."""
    first = head.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")
    try:
        return {name.strip() for name in next(csv.reader([first.decode()]), [])}
    except (UnicodeDecodeError, csv.Error):
        return set()


def rows_of(data: bytes, tally: Tally) -> Iterator[Mapping[str, str]]:
    """Yield each row by the names in the head; rows of another width are counted and left out."""
    text = data.decode("utf-8-sig", "replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        tally.note_broken(b"", str(error))
        return
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            tally.lines += 1
            tally.note_broken(b"", str(error))
            continue
        if not cells:
            continue
        tally.lines += 1
        if len(cells) != len(names):
            tally.note_broken(",".join(cells).encode(), "another number of columns than the head")
            continue
        yield dict(zip(names, cells, strict=True))
