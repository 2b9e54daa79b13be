"""Writes what models made of a suite as rows for `headgate routing eval`."""

import math
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headgate.economics.inputs import InputError
from headgate.economics.suites.load_results import Result
from headgate.economics.suites.task import Suite, fingerprint
from headgate.units.money import NANOS_PER_USD


def write_rows(path: Path, suite: Suite, models: Sequence[str], results: Sequence[Result]) -> None:
    """Write a row for each task that all models did; scores and costs are means over repeats.

    Raises:
        InputError: It cannot be written.
    """
    by: dict[tuple[str, str], list[Result]] = {}
    for each in results:
        by.setdefault((each.fingerprint, each.model), []).append(each)
    named = [(task, fingerprint(suite, task)) for task in suite.tasks]
    whole = [(task, name) for task, name in named if all((name, model) in by for model in models)]
    columns: dict[str, list[object]] = {
        "prompt": [task.prompt or task.id for task, _ in whole],
        "task": [task.id for task, _ in whole],
    }
    for model in models:
        made = [by[name, model] for _, name in whole]
        columns[f"{model}|score"] = [_mean([float(one.success) for one in each]) for each in made]
        columns[f"{model}|cost_usd"] = [
            _mean([_usd(one.cost_nanos) for one in each]) for each in made
        ]
        columns[f"{model}|out_tok"] = [
            _mean([_number(one.output_tokens) for one in each]) for each in made
        ]
    try:
        pq.write_table(pa.table(columns), path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}.", "Give --rows a file.") from error


def _usd(nanos: int | None) -> float:
    return _number(nanos) / NANOS_PER_USD


def _number(known: int | None) -> float:
    return math.nan if known is None else float(known)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
