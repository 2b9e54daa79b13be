"""Reads outcomes and runs: CSV with a header, or one JSON object per line."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, TypeVar

from headgate.economics.inputs import InputError, usual_number
from headgate.economics.load import read_text

Row = TypeVar("Row")

ROWS_MAX = 5_000_000
BYTES_MAX = 1_000_000_000
BAD_SHOWN = 3
"""So many rows that cannot be read are told with their line."""

_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt at a task.

    Attributes:
        workflow: What kind of task it was.
        model: What attempted it.
        cost_usd: All it cost: calls, tools, failed streams.
        resolved: The result was accepted.
    """

    workflow: str
    model: str
    cost_usd: Fraction
    resolved: bool


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One unattended run at a task whose length is known.

    Attributes:
        model: What ran.
        task: Which task; runs of one task share its difficulty.
        hours: How long a person takes for it.
        success: The result was right.
        usd_per_hour: Cost of the run per hour of human work, None where it is not told.
    """

    model: str
    task: str
    hours: Fraction
    success: bool
    usd_per_hour: Fraction | None


@dataclass(frozen=True, slots=True)
class Read(Generic[Row]):
    """What a file gave.

    Attributes:
        rows: What could be read.
        bad: How many rows could not.
        problems: The first of them, with line and reason.
    """

    rows: list[Row]
    bad: int
    problems: list[str]


def load_outcomes(path: Path) -> Read[Outcome]:
    """Return the outcomes of a file: `workflow`, `model`, `cost_usd`, `resolved`.

    Raises:
        InputError: The file cannot be read, or lacks a column.
    """

    def outcome(row: Mapping[str, Any]) -> Outcome:
        return Outcome(
            workflow=_word(row, "workflow"),
            model=_word(row, "model"),
            cost_usd=_amount(row, "cost_usd"),
            resolved=_truth(row, "resolved"),
        )

    return _read(path, ("workflow", "model", "cost_usd", "resolved"), outcome)


def load_runs(path: Path) -> Read[TaskRun]:
    """Return the runs of a file: `model`, `task`, `human_minutes`, `success`, maybe `cost_usd`.

    Raises:
        InputError: The file cannot be read, or lacks a column.
    """

    def run(row: Mapping[str, Any]) -> TaskRun:
        minutes = _amount(row, "human_minutes")
        if minutes <= 0:
            raise ValueError("human_minutes is not above 0")
        cost = _amount(row, "cost_usd") if row.get("cost_usd") not in (None, "") else None
        hours = minutes / 60
        return TaskRun(
            model=_word(row, "model"),
            task=_word(row, "task"),
            hours=hours,
            success=_truth(row, "success"),
            usd_per_hour=None if cost is None else cost / hours,
        )

    return _read(path, ("model", "task", "human_minutes", "success"), run)


def _read(
    path: Path, columns: tuple[str, ...], build: Callable[[Mapping[str, Any]], Row]
) -> Read[Row]:
    text = read_text(path, BYTES_MAX)
    rows: list[Row] = []
    problems: list[str] = []
    bad = 0
    for line, row in _records(path, text, columns):
        if len(rows) >= ROWS_MAX:
            raise InputError(f"{path} has too many rows.", f"Give at most {ROWS_MAX}.")
        built = _built(row, build)
        if not isinstance(built, str):
            rows.append(built)
            continue
        bad += 1
        if len(problems) < BAD_SHOWN:
            problems.append(f"line {line}: {built}")
    return Read(rows, bad, problems)


def _built(row: Mapping[str, Any] | str, build: Callable[[Mapping[str, Any]], Row]) -> Row | str:
    """Return what a row says, or why it says nothing."""
    if isinstance(row, str):
        return row
    try:
        return build(row)
    except ValueError as error:
        return str(error)


def _records(
    path: Path, text: str, columns: tuple[str, ...]
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Yield each row with its line, or why it is none."""
    if path.suffix in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, _object(line)
        return
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}.", f"Its columns are {','.join(columns)}."
        )
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: {error}.", "Write CSV, one row per line."
        ) from error


def _object(line: str) -> Mapping[str, Any] | str:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return "not JSON"
    return found if isinstance(found, dict) else "not an object"


def _word(row: Mapping[str, Any], name: str) -> str:
    value = str(row.get(name) or "").strip()
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _amount(row: Mapping[str, Any], name: str) -> Fraction:
    value = usual_number(str(row.get(name)).strip())
    if value is None or value < 0:
        raise ValueError(f"{name} is not a number of at least 0")
    return value


def _truth(row: Mapping[str, Any], name: str) -> bool:
    found = _TRUTHS.get(str(row.get(name)).strip().lower())
    if found is None:
        raise ValueError(f"{name} is not 1 or 0, yes or no, true or false")
    return found
