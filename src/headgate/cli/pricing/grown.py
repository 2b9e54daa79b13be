"""A file of price tables, read as a part of the configuration it is meant for."""

import os
import re
import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from headgate.catalog.prices import PriceBook
from headgate.config.load import load
from headgate.units.errors import ConfigurationError, Problem

_PLACE = re.compile(r"line (?P<line>\d+), (?P<column>column \d+)")


def book_with(file: Path, config: Path) -> PriceBook:
    """Return the price book of a configuration with the tables of a file behind its own.

    Raises:
        ConfigurationError: Either cannot be used; what is wrong in the file names its own lines.
    """
    own = _read(config, "Write one with: headgate init, or name another with --config.")
    text = _read(file, "Name a file of price tables.")
    for path, alone in ((config, own), (file, text)):
        try:
            tomllib.loads(alone.decode("utf-8"), parse_float=Decimal)
        except (ArithmeticError, RecursionError, ValueError):
            # What is no TOML by itself is told of itself.
            load(path, os.environ, secrets_of=(), text=alone)
    try:
        return load(config, os.environ, secrets_of=(), text=own + b"\n" + text).price_book
    except ConfigurationError as error:
        above = own.count(b"\n") + 1
        found = tuple(_in_its_file(each, file, above) for each in error.problems)
        raise ConfigurationError(found) from error


def _read(path: Path, fix: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"It cannot be read: {error.strerror}."
        raise ConfigurationError((Problem(str(path), "file", problem, fix),)) from error


def _in_its_file(problem: Problem, file: Path, above: int) -> Problem:
    if problem.line is not None and problem.line > above:
        return replace(problem, file=str(file), line=problem.line - above)
    # Both are TOML: what is wrong at a place is between the two, such as a table that both have.
    place = _PLACE.fullmatch(problem.key)
    if place is not None and (line := int(place["line"]) - above) > 0:
        return replace(problem, file=str(file), key=f"line {line}, {place['column']}")
    # What is wrong with a row as such is told by the row.
    return replace(problem, file=str(file)) if problem.key == "prices" else problem
