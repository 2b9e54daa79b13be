"""Reads a suite from TOML, or from JSONL with a task on each line."""

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from headgate.economics.inputs import InputError
from headgate.economics.suites.checking import wrong_task
from headgate.economics.suites.task import Suite

FILE_BYTES_MAX = 64 << 20
_UNNAMED = re.compile(r"[^A-Za-z0-9._-]+")
_TASK = re.compile(r"\$\.tasks\[(\d+)\]")
FIX = "docs/reference/cli.md says under `headgate eval` what a suite has."


def load_suite(path: Path) -> Suite:
    """Return what a file asks for, checked whole.

    Raises:
        InputError: It cannot be used; says which task is at fault.
    """
    try:
        data = path.read_bytes()
        if len(data) > FILE_BYTES_MAX:
            raise InputError(f"{path} is larger than 64 MiB.", "Split it into several suites.")
        told = _document(path, data.decode("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Name a suite.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8.", "Save it so.") from error
    told.setdefault("name", _UNNAMED.sub("-", path.stem)[:32] or "suite")
    try:
        suite = msgspec.convert(told, Suite)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}{_place(told, str(error))}: {error}.", FIX) from error
    _check(path, suite)
    return suite


def _document(path: Path, text: str) -> dict[str, Any]:
    if path.suffix == ".toml":
        try:
            return tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path} is no TOML: {error}.", "Correct it there.") from error
    tasks = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                tasks.append(json.loads(line, parse_float=Decimal))
            except ValueError as error:
                fix = "Write a task as JSON on each line, or TOML into a file.toml."
                raise InputError(f"{path}, line {number}: {error}.", fix) from error
    return {"tasks": tasks}


def _place(told: dict[str, Any], problem: str) -> str:
    """Return the id of the task that a problem is about, as far as it has one."""
    found = _TASK.search(problem)
    if found is None:
        return ""
    task = told["tasks"][int(found[1])]
    name = task.get("id") if isinstance(task, dict) else None
    return f", task {name!r}" if name else f", task {int(found[1]) + 1}"


def _check(path: Path, suite: Suite) -> None:
    seen: set[str] = set()
    for task in suite.tasks:
        where = f"{path}, task {task.id!r}"
        if task.id in seen:
            raise InputError(f"{where} is there twice.", "Give each an id of its own.")
        seen.add(task.id)
        wrong = wrong_task(suite, task)
        if wrong is not None:
            raise InputError(f"{where}: {wrong}.", FIX)
