"""Reads the desk's data files, and the files in which a user changes inputs."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

from headgate.economics.inputs import SHARE, Input, InputError, Inputs

FILE_BYTES_MAX = 16_000_000
"""No file of inputs is larger."""


def load_data(name: str) -> dict[str, Any]:
    """Return a data file of the desk, such as `stress`."""
    text = (files("headgate.economics") / "data" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def load_inputs(name: str) -> Inputs:
    """Return the built-in inputs of a calculation."""
    return inputs_of(load_data(name))


def inputs_of(data: Mapping[str, Any]) -> Inputs:
    """Return the inputs in the table `inputs` of a data file."""
    sources: Mapping[str, str] = data.get("sources", {})
    return Inputs({key: _input(key, row, sources) for key, row in data["inputs"].items()})


def load_document(path: Path) -> dict[str, Any]:
    """Return a user's file, TOML or JSON by its ending, with every number as exact text.

    Raises:
        InputError: It cannot be read, or is not of its format.
    """
    text = read_text(path, FILE_BYTES_MAX)
    try:
        if path.suffix == ".json":
            document = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        else:
            document = tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not {'JSON' if path.suffix == '.json' else 'TOML'}: {error}.",
            'Write name = "value" lines, or a JSON object in a file that ends in .json.',
        ) from error
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no object.", 'Write {"name": "value"}.')
    return document


def read_text(path: Path, bytes_max: int) -> str:
    """Return a user's file.

    Raises:
        InputError: It cannot be read, is larger than `bytes_max`, or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > bytes_max:
            raise InputError(f"{path} has {size} bytes.", f"Give at most {bytes_max}.")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", "Give a file of yours."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8.", "Save it as UTF-8.") from error


def changes_of(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs that a table changes, as text.

    Raises:
        InputError: A value is neither text, number nor date.
    """
    return {name: _text(name, value) for name, value in table.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | date | datetime):
        raise InputError(f"{name} is not a value.", 'Write a decimal such as "0.25", or a date.')
    return value.isoformat() if isinstance(value, date) else str(value)


def _input(name: str, row: Mapping[str, Any], sources: Mapping[str, str]) -> Input:
    """Return one input; a share is 0 to 1 and anything else at least 0 where no range is given."""
    low, high = row.get("range", ["0", "1"] if row["unit"] == SHARE else ["0", None])
    return Input(
        name=name,
        text=str(row["value"]),
        unit=row["unit"],
        low=Fraction(low),
        high=None if high is None else Fraction(high),
        meaning=row["meaning"],
        source=sources.get(row["source"], row["source"]),
    )
