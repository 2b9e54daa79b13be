"""Reading evidence from Parquet and pools of models from a protocol.

A file has `prompt` (not needed for tasks) and for each model `<model>|score`, and where they are
known `<model>|cost_usd`, `<model>|out_tok`, `<model>|calls`. A protocol is JSON with `pools`, lists
of models by set, and `cost_per_call_where_absent`, by set and model.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.quality.sparse import Floats

ROWS_MAX = 200_000
NAMES_TOLD_MAX = 12
GROUP_COLUMNS = ("benchmark", "task", "category", "repo")
"""The first of these columns that a file has labels its rows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read from a file.

    Attributes:
        models: The pool, at least two.
        costs: Cost of a call by model, for files that carry none.
        where: Column and value; only such rows count.
        texts: Whether rows need a `prompt`.
    """

    models: tuple[str, ...]
    costs: Mapping[str, float] = field(default_factory=dict)
    where: tuple[tuple[str, str], ...] = ()
    texts: bool = True


def load_pool(path: Path, name: str) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the models of a set of a protocol, and the costs it gives them.

    Raises:
        EvidenceError: The file is no protocol, or has no such set.
    """
    fix = 'Write {"pools": {"SET": ["model", ...]}, "cost_per_call_where_absent": {}}.'
    try:
        protocol = json.loads(path.read_text("utf-8"))
        pools, costs = protocol["pools"], protocol.get("cost_per_call_where_absent", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"{path} is not a protocol: {error!r}", fix) from error
    if not isinstance(pools, dict) or not isinstance(costs, dict):
        raise EvidenceError(f"{path}: `pools` and the costs are not objects", fix)
    if name not in pools:
        raise EvidenceError(f"{path} has no set {name!r}", f"Its sets: {', '.join(pools)}.")
    models, known = pools[name], costs.get(name, {})
    if not isinstance(models, list) or not all(isinstance(one, str) for one in models):
        raise EvidenceError(f"{path}: the pool of {name} is not a list of names", fix)
    if not isinstance(known, dict) or not all(_is_cost(one) for one in known.values()):
        raise EvidenceError(f"{path}: the costs of {name} are not numbers of 0 or more", fix)
    return tuple(models), {str(model): float(cost) for model, cost in known.items()}


def load_evidence(path: Path, wanted: Wanted) -> Evidence:
    """Return a file's rows that have a score within 0 and 1 and a cost for every model.

    Raises:
        EvidenceError: The file cannot be read, lacks a column, holds something else there, or no
            row is left.
    """
    if len(wanted.models) < 2 or len(set(wanted.models)) < len(wanted.models):
        raise EvidenceError(
            "A pool has at least two models, each named once", "Give --models a,b or --protocol."
        )
    table = _read(path, wanted)
    for column, value in wanted.where:
        labels = table[column].to_pylist()
        table = table.filter(pa.array([str(label) == value for label in labels], pa.bool_()))
    if not len(table):
        raise EvidenceError(
            f"{path} has no row to read", "Choose other rows with --where, or another file."
        )
    scores = np.column_stack([_numbers(path, table, f"{one}|score") for one in wanted.models])
    costs = np.column_stack([_costs(path, table, one, wanted.costs) for one in wanted.models])
    group = next((one for one in GROUP_COLUMNS if one in table.column_names), None)
    labels = table[group].to_pylist() if group else [""] * len(table)
    read = Evidence(
        wanted.models,
        tuple(table["prompt"].to_pylist() if wanted.texts else [""] * len(table)),
        scores,
        costs,
        _optional(path, table, wanted.models, "out_tok"),
        _optional(path, table, wanted.models, "calls"),
        tuple(str(label) for label in labels),
    )
    return _usable(path, read)


def _usable(path: Path, read: Evidence) -> Evidence:
    scored = ((read.scores >= 0) & (read.scores <= 1)).all(axis=1)
    paid = (np.isfinite(read.costs) & (read.costs >= 0)).all(axis=1)
    said = np.array([isinstance(text, str) for text in read.texts], bool)
    usable = scored & paid & said
    if not usable.any():
        counts = f"scores {scored.sum()}, costs {paid.sum()}, a text {said.sum()}"
        raise EvidenceError(
            f"{path} has no row with a score within 0 and 1 and a cost for every model, and a text"
            f" (of {len(read)} rows have: {counts})",
            "Choose models that were all measured, or other rows with --where.",
        )
    kept = read.rows(np.flatnonzero(usable))
    return replace(kept, dropped=len(read) - len(kept))


def _read(path: Path, wanted: Wanted) -> pa.Table:
    try:
        rows = pq.read_metadata(path).num_rows
        if rows > ROWS_MAX:
            raise EvidenceError(f"{path} has {rows} rows", f"Give at most {ROWS_MAX}.")
        names = pq.read_schema(path).names
        if len(set(names)) < len(names):
            raise EvidenceError(f"{path} has a column twice", "Give each a name of its own.")
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise EvidenceError(f"{path} cannot be read: {error}", "Give a Parquet file.") from error
    needed = [f"{model}|score" for model in wanted.models]
    needed += [column for column, _ in wanted.where] + (["prompt"] if wanted.texts else [])
    for column in needed:
        _require(path, table, column)
    if wanted.texts and not _is_text(table["prompt"].type):
        problem = f"{path}: `prompt` holds {table['prompt'].type}, not text"
        raise EvidenceError(problem, "Write prompts as strings.")
    return table


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    of = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(each(kind) for each in of)


def _require(path: Path, table: pa.Table, column: str) -> None:
    if column in table.column_names:
        return
    wanted, bar, kind = column.rpartition("|")
    if bar and kind == "score":
        known = [name[: -len("|score")] for name in table.column_names if name.endswith("|score")]
        near = difflib.get_close_matches(wanted, known, NAMES_TOLD_MAX) or known[:NAMES_TOLD_MAX]
        fix = f"Models in the file: {', '.join(near) or 'none'}."
        raise EvidenceError(f"{path} has no model {wanted!r}", fix)
    if column == "prompt":
        fix = "Add the texts as a column `prompt`; tasks without are for `routing eval-sessions`."
        raise EvidenceError(f"{path} has no column 'prompt'", fix)
    near = difflib.get_close_matches(column, table.column_names, NAMES_TOLD_MAX)
    fix = f"Columns in the file: {', '.join(near or table.column_names[:NAMES_TOLD_MAX])}."
    raise EvidenceError(f"{path} has no column {column!r}", fix)


def _numbers(path: Path, table: pa.Table, column: str) -> Floats:
    held = table[column]
    kind = held.type
    of = (*(pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean), pa.types.is_decimal)
    if not any(each(kind) for each in (*of, pa.types.is_null)):
        raise EvidenceError(f"{path}: {column} holds {kind}, not numbers", "Write numbers or null.")
    return np.asarray(held.cast(pa.float64()).to_numpy(), np.float64)


def _costs(path: Path, table: pa.Table, model: str, given: Mapping[str, float]) -> Floats:
    """Return a model's cost by row: what the file has, and what is given where it has none."""
    column = f"{model}|cost_usd"
    usual = given.get(model, math.nan)
    if column in table.column_names:
        costs = _numbers(path, table, column)
        return np.where(np.isnan(costs), usual, costs)
    if math.isnan(usual):
        raise EvidenceError(
            f"{path} has no column {column!r}, and no cost is given for {model}",
            'Add the column, or "cost_per_call_where_absent" to the protocol.',
        )
    return np.full(len(table), usual)


def _optional(path: Path, table: pa.Table, models: Sequence[str], kind: str) -> Floats:
    unknown = np.full(len(table), np.nan)
    names = [f"{model}|{kind}" for model in models]
    return np.column_stack(
        [_numbers(path, table, one) if one in table.column_names else unknown for one in names]
    )


def _is_cost(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
