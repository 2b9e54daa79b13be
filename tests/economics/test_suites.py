"""Suites of tasks: what is a good answer, which swap is safe, and what is kept."""

import math
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.inputs import InputError
from headgate.economics.suites.checking import is_good
from headgate.economics.suites.comparing import mcnemar, newcombe, swap, table_of, wilson
from headgate.economics.suites.load_answers import Asker, Question
from headgate.economics.suites.load_commands import words_of
from headgate.economics.suites.load_results import Result, Results
from headgate.economics.suites.load_rows import write_rows
from headgate.economics.suites.load_suite import load_suite
from headgate.economics.suites.load_verdict import ANSWER, command_says, says_in
from headgate.economics.suites.sums import baseline_of, sums_of
from headgate.economics.suites.task import Check, Suite, Task, fingerprint
from headgate.gateway.listener.own import Place
from headgate.routing.evaluation.load import Wanted, load_evidence

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)
TEAM = {"type": "object", "properties": {"team": {"enum": ["billing"]}}, "required": ["team"]}


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Check(exact="Paris"), " Paris\n", "Paris."),
        (Check(contains=["a", "b"]), "b and a", "only a"),
        (Check(regex=r"^\d{3}$"), "123", "1234"),
        (Check(number=Decimal(1_000)), "3 apples are 1,000", "1000 or 999"),
        (Check(number=Decimal("0.3"), tolerance=Decimal("0.01")), "about 0.309", "0.311"),
        (Check(number=Decimal(-5)), "so -5", "no number"),
        (Check(schema=TEAM), 'Here:\n```json\n{"team": "billing"}\n```', '{"team": "sales"}'),
        (Check(schema=TEAM), '{"team": "billing"}', "not JSON"),
    ],
)
def test_a_check_takes_what_is_good_and_nothing_else(check: Check, good: str, bad: str) -> None:
    """Each kind passes its good answer and fails its bad one."""
    assert is_good(check, good)
    assert not is_good(check, bad)


@pytest.mark.parametrize(
    ("command", "good"),
    [
        (["grep", "-q", "yes"], True),
        (["grep", "-q", "no"], False),
        (["sh", "-c", 'test "$(cat answer.txt)" = yes && test -z "$HEADGATE_KEY"'], True),
        (["./here.sh"], True),
        (["sh", "-c", "exec tail -f /dev/null"], False),
    ],
)
def test_a_command_is_asked_with_the_answer_and_little_else(
    command: list[str], good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the answer twice, none of the keys in the environment, and a bounded time."""
    monkeypatch.setenv("HEADGATE_KEY", "secret")
    script = tmp_path / "here.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)

    assert command_says(command, "yes", timeout_s=1, folder=tmp_path) is good


def test_an_answer_is_written_nowhere_but_into_its_folder(tmp_path: Path) -> None:
    """A program that was shut into the folder may have left a link to what is outside of it."""
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.write_text("mine")
    (work / ANSWER).symlink_to(outside)
    reads = ["grep", "-q", "yes", ANSWER]

    assert says_in(work, reads, "yes", timeout_s=5)
    assert outside.read_text() == "mine"
    (work / ANSWER).unlink()
    (work / ANSWER / "within").mkdir(parents=True)
    assert says_in(work, reads, "yes", timeout_s=5)


class Halved(BaseHTTPRequestHandler):
    """A provider whose answers end within a character."""

    def do_POST(self) -> None:
        """Answer with the first half of a surrogate pair, which is JSON, and no UTF-8."""
        body = rb'{"choices": [{"message": {"content": "yes \ud83d"}}]}'
        self.send_response_only(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_half_a_character_of_an_answer_stops_no_suite(tmp_path: Path) -> None:
    """It stands for itself no more; a check reads the rest."""
    with HTTPServer(("127.0.0.1", 0), Halved) as server:
        asking = threading.Thread(target=server.handle_request)
        asking.start()
        place = Place(f"http://127.0.0.1:{server.server_address[1]}")
        answer = Asker(place, "key", "run").ask(Question("mini", None, "Yes?", 10, "key"))
        asking.join()

    assert answer.text == "yes ?"
    assert command_says(["grep", "-q", "yes"], answer.text, timeout_s=5, folder=tmp_path)


def test_words_of_a_prompt_are_no_paths(tmp_path: Path) -> None:
    """What the suite says of its own programs is; what it asks for stays as it is."""
    told = ["./{model}.sh", "{prompt}", "{url}"]
    task = Task(id="t", command=told, prompt="./configure fails with {url}")

    words = words_of(task, tmp_path, "mini", "http://here")

    assert words == [str(tmp_path / "mini.sh"), "./configure fails with {url}", "http://here"]


def test_an_answer_that_is_nested_too_deeply_is_not_good() -> None:
    """It is the model's, so it may be anything; one of few levels is looked at."""
    check = Check(schema={"type": "array", "items": {"$ref": "#"}})

    assert is_good(check, "[" * 50 + "]" * 50)
    assert not is_good(check, "[" * 900 + "]" * 900)


@given(OUTCOMES)
def test_a_difference_lies_within_its_interval_and_turns_with_the_sides(
    outcomes: list[tuple[bool, bool]],
) -> None:
    """The interval holds the observed difference; swapping the models mirrors it."""
    ours, theirs = zip(*outcomes, strict=True)
    one = newcombe(table_of(ours, theirs), 0.95)
    other = newcombe(table_of(theirs, ours), 0.95)

    assert -1 <= one.low <= one.value + 1e-12
    assert one.value - 1e-12 <= one.high <= 1
    assert math.isclose(one.low, -other.high, abs_tol=1e-9)


@given(OUTCOMES)
def test_what_is_safe_is_safe_at_a_larger_margin(outcomes: list[tuple[bool, bool]]) -> None:
    """A verdict never becomes worse when more may be lost, nor better with more candidates."""
    ours, theirs = ([float(each) for each in side] for side in zip(*outcomes, strict=True))
    strict = swap(ours, theirs, margin=0.05, candidates=1)
    loose = swap(ours, theirs, margin=0.20, candidates=1)
    many = swap(ours, theirs, margin=0.05, candidates=9)

    assert loose.verdict == "safe" or strict.verdict != "safe"
    assert many.verdict != "safe" or strict.verdict == "safe"


def test_figures_are_those_of_the_papers() -> None:
    """Newcombe's tables: (1998a) 81 of 263 by Wilson; (1998c) method 10 of 36, 12, 2, 0 of 50."""
    assert [round(each, 4) for each in wilson(81, 263)[1:]] == [0.2553, 0.3662]
    pair = newcombe(table_of([1.0] * 48 + [0.0] * 2, [1.0] * 36 + [0.0] * 12 + [1.0] * 2), 0.95)
    assert round(pair.value, 4) == 0.2
    assert (round(pair.low, 4), round(pair.high, 4)) == (0.0569, 0.3404)
    assert mcnemar(12, 2) == pytest.approx(0.0129, abs=1e-4)


def test_few_tasks_are_never_enough_and_the_number_that_is_told_would_be() -> None:
    """Five tasks without any difference prove nothing; the told number more of them does."""
    few = swap([1.0] * 5, [1.0] * 5, margin=0.05, candidates=1)

    assert few.verdict == "not enough tasks"
    assert few.more is not None
    enough = [1.0] * (5 + few.more)
    assert swap(enough, enough, margin=0.05, candidates=1).verdict == "safe"
    assert swap(enough[:-2], enough[:-2], margin=0.05, candidates=1).verdict != "safe"
    worse = swap([0.0] * 9 + [1.0], [1.0] * 10, margin=0.05, candidates=1)
    assert (worse.verdict, worse.more) == ("not safe", None)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.toml", "tasks = [", "no TOML"),
        ("a.jsonl", '{"id": "x"\n', "line 1"),
        ("a.jsonl", '{"id": "x", "prompt": "p", "check": {"regexp": "x"}}', "task 'x'"),
        ("a.jsonl", '{"id": "x", "prompt": "p", "check": {"regex": "("}}', "cannot be read"),
        ("a.jsonl", '{"id": "x", "prompt": "p", "check": {}}', "says nothing"),
        ("a.toml", 'tasks = [{id = "x", prompt = "p", check = {number = nan}}]', "number is none"),
        (
            "a.jsonl",
            '{"id": "x", "prompt": "p", "check": {"exact": "", "number": 1}}',
            "exact and number",
        ),
        ("a.jsonl", '{"id": "x", "prompt": "p", "check": {"schema": {"type": 1}}}', "schema"),
        (
            "a.jsonl",
            '{"id": "x", "prompt": "p", "check": {"schema": {"$ref": "http://127.0.0.1:9/s"}}}',
            "refers to",
        ),
        ("a.jsonl", '{"id": "x", "prompt": "p"}', "no check"),
        ("a.jsonl", '{"id": "x", "check": {"exact": ""}}', "neither a prompt nor a command"),
        ("a.jsonl", '{"id": "x", "command": ["true"]}', "write budget_usd"),
        ("a.jsonl", '{"id": "x", "command": ["true"], "budget_usd": "0"}', "write budget_usd"),
        ("a.jsonl", '{"id": "x", "command": ["true"], "budget_usd": "much"}', "budget_usd:"),
        (
            "a.jsonl",
            '{"id": "x", "command": ["a"], "budget_usd": "1", "environment": ["HEADGATE_KEY"]}',
            "key of its own",
        ),
        (
            "a.jsonl",
            '{"id": "x", "prompt": "p", "check": {"exact": ""}, "folder": "repo"}',
            "go with a command",
        ),
        (
            "a.jsonl",
            '{"id": "x", "command": ["a"], "budget_usd": "1", "system": "s"}',
            "go with a prompt",
        ),
        ("a.jsonl", "\n".join(['{"id": "x", "prompt": "p", "check": {"exact": ""}}'] * 2), "twice"),
    ],
)
def test_a_bad_suite_is_refused_where_it_is_bad(
    name: str, text: str, problem: str, tmp_path: Path
) -> None:
    """The message names the line or the task; nothing is fetched for a reference."""
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InputError, match=problem):
        load_suite(path)


def task(name: str, **more: Any) -> Task:
    """Return a task."""
    return Task(id=name, prompt=f"Do {name}", check=Check(exact=name), **more)


def result(suite: Suite, number: int, model: str, success: bool, cost: int = 10) -> Result:
    """Return what a model made of the how-manieth task."""
    return Result(
        task=suite.tasks[number].id,
        fingerprint=fingerprint(suite, suite.tasks[number]),
        model=model,
        number=0,
        success=success,
        run="eval-1",
        call=f"call_{number}",
        deployment=model,
        served_model=model,
        cost_nanos=cost,
        judge_nanos=0,
        output_tokens=3,
        latency_ms=5 + number,
        voted=True,
    )


SUITE = Suite(tasks=[task("a"), task("b")])


def test_results_are_written_by_one_run_at_a_time(tmp_path: Path) -> None:
    """Another would pay for the same again, and end the commands of the first as left behind."""
    path = tmp_path / "r.jsonl"

    first = Results(path, "one")
    with pytest.raises(InputError, match="in use"):
        Results(path, "two")
    first.close()
    again = Results(path, "three")
    again.close()

    assert again.id == "one"


def test_results_outlive_a_torn_line_and_count_for_what_they_were_of(tmp_path: Path) -> None:
    """What was written is there again, what was torn is not; a changed task has no result."""
    path = tmp_path / "results.jsonl"
    first = Results(path, "one")
    first.pay("eval-1")
    first.add(result(SUITE, 0, "m", success=True))
    first.close()
    with path.open("a") as file:
        file.write('{"type": "result", "ta')

    again = Results(path, "two")
    again.add(result(SUITE, 1, "m", success=False))
    again.close()
    last = Results(path, "three")
    last.close()

    assert (last.id, list(last.runs)) == ("one", ["eval-1"])
    assert [each.task for each in last.found.values()] == ["a", "b"]
    changed = task("a", output_tokens_max=9)
    assert fingerprint(SUITE, changed) not in {key[0] for key in last.found}


def test_another_file_is_no_file_of_results(tmp_path: Path) -> None:
    """Nothing is added to a file that holds something else."""
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")

    with pytest.raises(InputError, match="no results"):
        Results(path, "one")
    assert path.read_text() == "my notes\n"


def test_rows_are_evidence_that_a_router_is_measured_on(tmp_path: Path) -> None:
    """What is written `headgate routing eval` reads; the best model is the baseline."""
    found = [
        result(SUITE, number, model, success=success, cost=cost)
        for model, cost in (("dear", 1_000_000_000), ("cheap", 500_000_000))
        for number, success in ((0, True), (1, model == "dear"))
    ]
    path = tmp_path / "rows.parquet"
    write_rows(path, SUITE, ["dear", "cheap"], found)

    read = load_evidence(path, Wanted(("dear", "cheap")))
    assert read.scores.tolist() == [[1.0, 1.0], [1.0, 0.0]]
    assert read.costs.tolist() == [[1.0, 0.5], [1.0, 0.5]]
    assert pq.read_schema(path).names[:2] == ["prompt", "task"]
    sums = sums_of(found, ["dear", "cheap"])
    assert baseline_of(sums) == "dear"
    assert sums["cheap"].per_solved_nanos == 1_000_000_000
    assert sums["cheap"].solved == 1
