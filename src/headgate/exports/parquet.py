"""Parquet: tables as bytes; PyArrow is loaded when it is needed, for few have it."""

import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from headgate.units.errors import HeadgateError

Kind = Literal["text", "decimal", "instant", "json", "int", "bool"]
DIGITS_MAX = 38
"""Of a decimal in Parquet: all that its 128 bits hold."""
DECIMALS = 15


class ParquetMissingError(HeadgateError):
    """PyArrow is not installed."""

    def __init__(self) -> None:
        super().__init__("Parquet needs PyArrow: pip install 'headgate[parquet]'.")


def parquet_bytes(
    columns: Mapping[str, Kind], rows: Iterable[Sequence[object]], pieces_of: int = 10_000
) -> bytes:
    """Return rows as a Parquet file; the same rows give the same bytes.

    Decimals are exact (`decimal128`); instants are text, as is JSON.

    Args:
        columns: Their kinds, in the order of the rows' values.
        rows: Taken a piece at a time.
        pieces_of: How many rows are made into columns at once.

    Raises:
        ParquetMissingError: PyArrow is not installed.
    """
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ParquetMissingError from error
    kinds = {
        "text": arrow.string(),
        "json": arrow.string(),
        "instant": arrow.string(),
        "decimal": arrow.decimal128(DIGITS_MAX, DECIMALS),
        "int": arrow.int64(),
        "bool": arrow.bool_(),
    }
    schema = arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    sink = io.BytesIO()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        piece: list[Sequence[object]] = []
        for row in rows:
            piece.append(row)
            if len(piece) == pieces_of:
                writer.write_table(_table(arrow, schema, columns, piece))
                piece = []
        if piece:
            writer.write_table(_table(arrow, schema, columns, piece))
    return sink.getvalue()


def _table(
    arrow: Any, schema: Any, columns: Mapping[str, Kind], rows: Sequence[Sequence[object]]
) -> Any:
    arrays = []
    for number, (name, kind) in enumerate(columns.items()):
        values = [row[number] for row in rows]
        if kind == "decimal":
            values = [_decimal(value) for value in values]
        arrays.append(arrow.array(values, schema.field(name).type))
    return arrow.Table.from_arrays(arrays, schema=schema)


def _decimal(value: object) -> Decimal | None:
    assert isinstance(value, int | Decimal | None), value
    return None if value is None else Decimal(value)
