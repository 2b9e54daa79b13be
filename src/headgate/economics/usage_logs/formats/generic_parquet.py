"""The same columns as in Headgate's own CSV, as a Parquet file; needs the extra `parquet`."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO

from headgate.economics.usage_logs.fields import FieldError
from headgate.economics.usage_logs.formats.generic_csv import copies, fits, folders, found_in
from headgate.economics.usage_logs.record import Findings

KIND = "generic_parquet"
TITLE = "Parquet of usage"
LINES = False
PATTERN = "*.parquet"
SELLER = None

_MAGIC = b"PAR1"
_ROWS_PER_BATCH = 10_000

__all__ = ["KIND", "LINES", "PATTERN", "SELLER", "TITLE", "copies", "folders", "read", "recognises"]


def recognises(name: str, head: bytes) -> bool:
    """Tell it by its first bytes; its columns stand at the end."""
    return name.endswith(".parquet") and head.startswith(_MAGIC)


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a whole file; without the library, or with other columns, it is one foreign line."""
    findings = Findings()
    try:
        for row in _rows(b"".join(blocks)):
            findings.tally.lines += 1
            try:
                findings.usage.append(found_in(row))
            except FieldError as error:
                findings.tally.note_foreign(str(row.get("id", "")).encode(), str(error))
    except FieldError as error:
        findings.tally.lines += 1
        findings.tally.note_foreign(name.encode(), str(error))
    return findings


def _rows(data: bytes) -> Iterator[Mapping[str, object]]:
    """Yield the rows by column.

    Raises:
        FieldError: The library is not there, or the file is not of this format.
    """
    try:
        # A large library that only some people install, loaded when a file needs it.
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise FieldError("Parquet needs pyarrow: pip install 'headgate[parquet]'") from error
    try:
        file = parquet.ParquetFile(BytesIO(data))
        if not fits(set(file.schema_arrow.names)):
            raise FieldError("other columns than docs/reference/import.md names")
        for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
            yield from batch.to_pylist()
    except (arrow.ArrowException, OSError) as error:
        raise FieldError(f"it cannot be read: {error}") from error
