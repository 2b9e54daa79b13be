"""Reading evidence and protocols: what is kept, and each refusal with its fix."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.routing.evaluation.evidence import EvidenceError
from headgate.routing.evaluation.load import Wanted, load_evidence, load_pool

GOOD: dict[str, list[object]] = {
    "prompt": ["one", "two", None, "four", "five"],
    "benchmark": ["x", "y", "x", "x", "x"],
    "a|score": [0, 1, 1, None, 1],
    "a|cost_usd": [0.1, 0.2, 0.3, 0.4, 0.5],
    "b|score": [1.0, 0.5, 1.0, 1.0, 9.5],
    "b|out_tok": [10, 20, 30, 40, None],
}
POOL = ("a", "b")


def write(path: Path, **changed: list[object] | None) -> Path:
    """Write the good file with some columns changed, or taken out by None."""
    columns = {name: values for name, values in {**GOOD, **changed}.items() if values is not None}
    pq.write_table(pa.table(columns), path)
    return path


def test_rows_without_a_usable_score_are_left_out_and_counted(tmp_path: Path) -> None:
    """No prompt, no score, a score that is not within 0 and 1: three of five rows."""
    read = load_evidence(write(tmp_path / "f"), Wanted(POOL, {"b": 2.0}))

    assert (read.texts, read.groups, read.dropped) == (("one", "two"), ("x", "y"), 3)
    assert read.scores.tolist() == [[0, 1], [1, 0.5]]
    assert read.costs.tolist() == [[0.1, 2.0], [0.2, 2.0]]
    assert np.isnan(read.output_tokens[:, 0]).all()
    assert read.output_tokens[:, 1].tolist() == [10, 20]


def test_only_rows_that_fulfil_every_condition_are_read(tmp_path: Path) -> None:
    """`--where` compares with the value's text."""
    wanted = Wanted(POOL, {"b": 2.0}, (("benchmark", "x"),))

    assert load_evidence(write(tmp_path / "f"), wanted).texts == ("one",)


@pytest.mark.parametrize(
    ("changed", "wanted", "problem", "fix"),
    [
        ({}, Wanted(("a", "c"), {}), "no model 'c'", "Models in the file: a, b."),
        ({}, Wanted(("a",), {}), "at least two models", "Give --models"),
        ({}, Wanted(("a", "a"), {}), "each named once", "Give --models"),
        ({}, Wanted(POOL, {}), "no cost is given for b", "cost_per_call_where_absent"),
        ({"prompt": None}, Wanted(POOL, {"b": 1.0}), "no column 'prompt'", "eval-sessions"),
        ({"prompt": [1] * 5}, Wanted(POOL, {"b": 1.0}), "not text", "as strings"),
        ({"a|score": ["x"] * 5}, Wanted(POOL, {"b": 1.0}), "not numbers", "numbers or null"),
        ({"a|score": [7] * 5}, Wanted(POOL, {"b": 1.0}), "no row with a score", "--where"),
        ({}, Wanted(POOL, {"b": 1.0}, (("lang", "x"),)), "no column 'lang'", "Columns in the file"),
        ({}, Wanted(POOL, {"b": 1.0}, (("benchmark", "z"),)), "no row", "--where"),
        ({"prompt": [None] * 5}, Wanted(POOL, {"b": 1.0}), "not text", "as strings"),
        ({"a|score": [None] * 5}, Wanted(POOL, {"b": 1.0}), "scores 0, costs 5", "measured"),
        ({"a|cost_usd": [-1.0] * 5}, Wanted(POOL, {"b": 1.0}), "no row", "--where"),
        ({"a|cost_usd": [math.inf] * 5}, Wanted(POOL, {"b": 1.0}), "no row", "--where"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, changed: dict[str, list[object] | None], wanted: Wanted, problem: str, fix: str
) -> None:
    """The refusal says what is wrong and what to do."""
    with pytest.raises(EvidenceError) as refused:
        load_evidence(write(tmp_path / "f", **changed), wanted)

    assert problem in refused.value.problem
    assert fix in refused.value.fix


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_and_numbers_are_read_however_they_are_kept(
    tmp_path: Path, kind: pa.DataType
) -> None:
    """Tools for tables have types of their own for texts, truths and sums."""
    table = pa.table(GOOD)
    prompts = table["prompt"].cast(kind)
    changed = {"prompt": prompts, "a|score": pa.array([False, True, True, None, True])}
    changed["a|cost_usd"] = table["a|cost_usd"].cast(pa.decimal128(5, 2))
    for name, values in changed.items():
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, tmp_path / "f")

    read = load_evidence(tmp_path / "f", Wanted(POOL, {"b": 2.0}))

    assert read.texts == ("one", "two")
    assert (read.scores[:, 0].tolist(), read.costs[:, 0].tolist()) == ([0, 1], [0.1, 0.2])


def test_a_cost_that_is_missing_is_that_of_the_protocol(tmp_path: Path) -> None:
    """The file's own counts where it has one."""
    changed: dict[str, list[object] | None] = {"a|cost_usd": [None, 0.2, 0.3, 0.4, 0.5]}
    path = write(tmp_path / "f", **changed)

    read = load_evidence(path, Wanted(POOL, {"a": 7.0, "b": 2.0}))

    assert read.costs.tolist() == [[7.0, 2.0], [0.2, 2.0]]


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """Nor is one that is not there."""
    (tmp_path / "text").write_text("prompt,score")

    for name in ("text", "missing"):
        with pytest.raises(EvidenceError, match="cannot be read"):
            load_evidence(tmp_path / name, Wanted(POOL))


def test_a_file_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    """Nobody can tell which of the two is meant."""
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a|score", "a|score"])
    pq.write_table(twice, tmp_path / "f")

    with pytest.raises(EvidenceError, match="twice"):
        load_evidence(tmp_path / "f", Wanted(POOL))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    """An empty set has nothing to say."""
    path = tmp_path / "f"
    pq.write_table(pa.table(GOOD).slice(0, 0), path)

    with pytest.raises(EvidenceError, match="no row"):
        load_evidence(path, Wanted(POOL, {"b": 1.0}))


def test_a_protocol_has_pools_and_costs(tmp_path: Path) -> None:
    """The pool keeps its order; costs may be missing."""
    path = tmp_path / "protocol.json"
    costs = {"s": {"b": 2}}
    path.write_text(
        json.dumps({"pools": {"s": ["b", "a"], "t": ["a"]}, "cost_per_call_where_absent": costs})
    )

    assert load_pool(path, "s") == (("b", "a"), {"b": 2.0})
    assert load_pool(path, "t") == (("a",), {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not a protocol"),
        ("[]", "not a protocol"),
        ("{}", "not a protocol"),
        ('{"pools": {}}', "no set 's'"),
        ('{"pools": []}', "not objects"),
        ('{"pools": {"s": "a,b"}}', "not a list of names"),
        ('{"pools": {"s": ["a"]}, "cost_per_call_where_absent": {"s": {"a": "1"}}}', "not numbers"),
        ('{"pools": {"s": ["a"]}, "cost_per_call_where_absent": {"s": {"a": -1}}}', "not numbers"),
        ('{"pools": {"s": ["a"]}, "cost_per_call_where_absent": {"s": {"a": NaN}}}', "not numbers"),
    ],
)
def test_a_protocol_that_is_none_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Whatever JSON it is, it is told, never a traceback."""
    path = tmp_path / "protocol.json"
    path.write_text(text)

    with pytest.raises(EvidenceError) as refused:
        load_pool(path, "s")

    assert problem in refused.value.problem
    assert refused.value.fix
