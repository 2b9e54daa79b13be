"""Parquet: tables as bytes; PyArrow is loaded when it is needed, for few have it."""

import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from headgate.units.errors import HeadgateError

Kind = Literal["text", "decimal", "instant", "json", "int", "bool", "time"]
"""An `instant` is text, RFC 3339 in UTC; a `time` is nanoseconds since 1970."""

DIGITS_MAX = 38
"""Of a decimal in Parquet: all that its 128 bits hold."""
DECIMALS = 15
"""A price is exact to the femto-dollar, and so is what it is multiplied to."""

ROWS_AT_ONCE = 10_000
NANOS_PER_MICRO = 1_000


class ParquetMissingError(HeadgateError):
    """PyArrow is not installed."""

    def __init__(self) -> None:
        super().__init__("Parquet needs PyArrow: pip install 'headgate[parquet]'.")


def parquet_bytes(columns: Mapping[str, Kind], rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as a Parquet file; the same rows give the same bytes.

    Decimals are exact (`decimal128`), times are microseconds in UTC.

    Args:
        columns: Their kinds, in the order of the rows' values.
        rows: Taken a piece at a time.

    Raises:
        ParquetMissingError: PyArrow is not installed.
    """
    _, parquet = _arrow()
    sink = io.BytesIO()
    with parquet.ParquetWriter(sink, schema_of(columns), compression="zstd") as writer:
        piece: list[Sequence[object]] = []
        for row in rows:
            piece.append(row)
            if len(piece) == ROWS_AT_ONCE:
                writer.write_table(table_of(columns, piece))
                piece = []
        if piece:
            writer.write_table(table_of(columns, piece))
    return sink.getvalue()


def schema_of(columns: Mapping[str, Kind]) -> Any:
    """Return columns as Arrow has them."""
    arrow, _ = _arrow()
    kinds = {
        "text": arrow.string(),
        "json": arrow.string(),
        "instant": arrow.string(),
        "decimal": arrow.decimal128(DIGITS_MAX, DECIMALS),
        "int": arrow.int64(),
        "bool": arrow.bool_(),
        "time": arrow.timestamp("us", "UTC"),
    }
    return arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])


def table_of(columns: Mapping[str, Kind], rows: Sequence[Sequence[object]]) -> Any:
    """Return rows as an Arrow table."""
    arrow, _ = _arrow()
    schema = schema_of(columns)
    arrays = [
        arrow.array([_value(kind, row[number]) for row in rows], schema.field(name).type)
        for number, (name, kind) in enumerate(columns.items())
    ]
    return arrow.Table.from_arrays(arrays, schema=schema)


def _value(kind: Kind, value: object) -> object:
    if value is None:
        return None
    if kind == "decimal":
        assert isinstance(value, int | Decimal), value
        return Decimal(value)
    if kind == "time":
        assert isinstance(value, int), value
        return value // NANOS_PER_MICRO
    return value


def _arrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ParquetMissingError from error
