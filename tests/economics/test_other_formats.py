"""Reports, exports and tables: which counts include which, and whose money it is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.economics.usage_logs.formats.registry import format_of, formats
from headgate.economics.usage_logs.store import UsageStore
from tests.economics.conftest import Desk
from tests.economics.logs import write_lines

GEMINI_HEAD = {"sessionId": "g", "projectHash": "0" * 64, "startTime": "2026-06-13T10:00:00Z"}
TOKENS = {"input": 1000, "output": 50, "cached": 400, "thoughts": 30, "tool": 7, "total": 1087}


def gemini(identity: str, **tokens: int) -> dict[str, Any]:
    at = "2026-06-13T10:00:09.000Z"
    return {"id": identity, "timestamp": at, "model": "gemini-2.5-pro", "tokens": TOKENS | tokens}


@pytest.mark.parametrize("form", ["document", "lines"])
def test_a_chat_of_gemini_counts_its_last_version(desk: Desk, tmp_path: Path, form: str) -> None:
    """Cached tokens are inside the input, thoughts and tools outside; rewinding is no refund."""
    versions = [gemini("a", output=1), gemini("a"), gemini("b", output=60)]
    path = tmp_path / "chats" / ("s.json" if form == "document" else "s.jsonl")
    if form == "document":
        write_lines(path, [GEMINI_HEAD | {"messages": [versions[1], versions[2]]}])
    else:
        rest: list[dict[str, Any]] = [{"$rewindTo": "a"}, {"$set": {"lastUpdated": "now"}}]
        write_lines(path, [GEMINI_HEAD, *versions, *rest])

    desk.take(path)

    told = {one.reply: one.usage.quantities() for one in desk.records()}
    first = {"input_uncached": 607, "cache_read": 400, "output_text": 50, "output_reasoning": 30}
    assert told == {"g/a": first, "g/b": first | {"output_text": 60}}


def openai_page(**result: Any) -> dict[str, Any]:
    start, end = 1_780_272_000, 1_780_358_400
    kind = {
        "object": f"organization.{'costs' if 'amount' in result else 'usage.completions'}.result"
    }
    return {"data": [{"start_time": start, "end_time": end, "results": [kind | result]}]}


def test_a_sum_of_calls_is_a_range_where_long_prompts_cost_more(desk: Desk, tmp_path: Path) -> None:
    """GPT-5.5 has a price for prompts above 272,000 tokens, which a sum cannot show."""
    counts = {"input_tokens": 1_200_000, "input_cached_tokens": 900_000, "output_tokens": 80_000}
    usage = openai_page(**counts, model="gpt-5.5-2026-04-23", num_model_requests=410)

    desk.take(write_lines(tmp_path / "usage.json", [usage]))

    (one,) = desk.records()
    assert (one.cost_nanos, one.cost_high_nanos) == (4_350_000_000, 7_500_000_000)
    assert (one.calls, one.grade) == (410, "C")


def test_a_bucket_that_is_fetched_later_replaces_the_poorer(desk: Desk, tmp_path: Path) -> None:
    """Late calls come into a bucket that was read before; it never counts twice."""
    for name, count in (("late", 900), ("early", 100)):
        page = openai_page(input_tokens=count, output_tokens=1, model="gpt-5.4-mini")
        desk.take(write_lines(tmp_path / f"{name}.json", [page]))

    assert [one.usage.input_uncached for one in desk.records()] == [900]


def test_costs_are_read_as_they_are_written(desk: Desk, tmp_path: Path) -> None:
    """A JSON number becomes exact nanos, without a binary fraction in between."""
    line = '{"data":[{"start_time":1780272000,"end_time":1780358400,"results":[{"object":'
    line += (
        '"organization.costs.result","amount":{"value":0.1234567894999999999,"currency":"usd"}}]}]}'
    )

    desk.take(write_lines(tmp_path / "costs.json", [line]))

    store = UsageStore(desk.path, readonly=True)
    rows = store.connection.execute("SELECT amount_nanos FROM bill").fetchall()
    store.close()
    assert rows == [(123_456_789,)]


def litellm(**row: Any) -> dict[str, Any]:
    start = {
        "request_id": "l1",
        "startTime": "2026-06-11T08:00:00.000Z",
        "model": "claude-opus-4-8",
    }
    counts = {"prompt_tokens": 98_805, "completion_tokens": 5_120, "spend": 0.5}
    return start | counts | {"custom_llm_provider": "anthropic"} | row


@pytest.mark.parametrize("as_text", [False, True])
def test_litellm_prompts_include_their_cached_tokens(
    desk: Desk, tmp_path: Path, as_text: bool
) -> None:
    """Its own amount is kept beside ours; metadata may be JSON inside a text."""
    usage = {"cache_read_input_tokens": 66_360, "cache_creation_input_tokens": 32_435}
    metadata: Any = {"usage_object": usage}
    row = litellm(metadata=json.dumps(metadata) if as_text else metadata)

    desk.take(write_lines(tmp_path / "spend.jsonl", [row]))

    (one,) = desk.records()
    assert one.usage[:3] == (10, 66_360, 32_435)
    assert (one.cost_nanos, one.cost_high_nanos) == (363_948_750, 485_580_000)
    assert one.reported_nanos == 500_000_000


def test_a_row_of_litellms_own_cache_is_no_usage(desk: Desk, tmp_path: Path) -> None:
    """What it answered from its cache was not bought."""
    desk.take(write_lines(tmp_path / "spend.jsonl", [litellm(cache_hit="True")]))

    assert desk.records() == []


@pytest.mark.parametrize(
    ("details", "uncached", "grade"),
    [
        ({"input": 10, "output": "5", "cache_read_input_tokens": 90, "total": 105}, 10, "B"),
        ({"input": 100, "output": 5, "cache_read_input_tokens": 90, "total": 105}, 10, "B"),
        ({"input": 100, "output": 5, "cache_read_input_tokens": 90, "total": 7}, 100, "C"),
    ],
)
def test_the_total_tells_whether_langfuse_input_includes_cached_tokens(
    desk: Desk, tmp_path: Path, details: dict[str, Any], uncached: int, grade: str
) -> None:
    """Integrations differ; where the total fits neither way the record says so."""
    row = {"id": "o", "trace_id": "t", "type": "GENERATION", "usage_details": details}
    row |= {"start_time": "2026-06-11 08:00:00.000000", "provided_model_name": "gpt-5.5"}

    desk.take(write_lines(tmp_path / "observations.jsonl", [row]))

    (one,) = desk.records()
    assert (one.usage.input_uncached, one.usage.output_text, one.grade) == (uncached, 5, grade)


def test_openrouter_is_paid_what_it_says(desk: Desk, tmp_path: Path) -> None:
    """With a key of one's own its cost is only the fee: the provider is paid beside it."""
    head = (
        "generation_id,created_at,cost_total,byok_usage_inference,tokens_prompt,tokens_completion"
    )
    rows = [
        f"{head},tokens_reasoning,tokens_cached,model_permaslug,user",
        "gen-1,2026-08-19 01:30:00.000,0.000084,0.00168,1000,200,50,400,deepseek/deepseek-v4,bob",
        "gen-2,2026-08-19 01:30:00.000,0.01,,1000,200,0,0,z-ai/glm-5,",
    ]

    desk.take(write_lines(tmp_path / "activity.csv", rows))

    told = {one.reply: one for one in desk.records()}
    assert told["gen-1"].cost_nanos == 1_764_000
    assert told["gen-1"].usage.quantities() == {
        "input_uncached": 600,
        "cache_read": 400,
        "output_text": 150,
        "output_reasoning": 50,
    }
    assert told["gen-1"].seat == "bob"
    assert told["gen-2"].cost_nanos == 10_000_000
    assert told["gen-2"].seat == "local"


def test_a_csv_of_ones_own(desk: Desk, tmp_path: Path) -> None:
    """The example of the reference page is priced, and a bad cell costs its row only."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "import.md"
    example = page.read_text().partition("```csv\n")[2].partition("```")[0].splitlines()
    bad = example[1].replace("1,", "2,", 1).replace("5000", "many")

    done = desk.take(write_lines(tmp_path / "own.csv", [*example, bad]))

    (one,) = desk.records()
    assert (one.seat, one.cost_nanos) == ("alice", 13_500_000)
    assert done.tally.foreign == 1


def test_parquet_has_the_same_columns(desk: Desk, tmp_path: Path) -> None:
    """A timestamp is a time; a file with other columns is left out and counted."""
    pyarrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    at = datetime(2026, 6, 12, 9, tzinfo=UTC)
    good = {"id": ["1"], "at": [at], "model": ["gpt-5.5"], "input": [1000], "output": [200]}
    parquet.write_table(pyarrow.table(good), tmp_path / "good.parquet")
    parquet.write_table(pyarrow.table(good | {"prompt": ["x"]}), tmp_path / "more.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:99])

    done = desk.take(tmp_path)

    (one,) = desk.records()
    assert (one.started_ns, one.cost_nanos) == (1_781_254_800_000_000_000, 11_000_000)
    assert done.tally.foreign == 2


def test_a_table_with_other_columns_is_no_log(tmp_path: Path) -> None:
    """A column that would be left out silently is a reason not to read the file."""
    head = b"id,at,model,input,output,secret\n"

    assert format_of("own.csv", head) is None
    assert format_of("own.csv", head.replace(b",secret", b"")) is not None


def test_every_format_knows_its_own_files_alone() -> None:
    """No beginning of a file is taken by two formats."""
    heads = {
        "claude_code": ("s.jsonl", b'{"parentUuid":null,"isSidechain":false}'),
        "codex": ("r.jsonl", b'{"type":"session_meta","payload":{}}'),
        "gemini_cli": ("s.json", b'{"sessionId":"a","projectHash":"0"}'),
        "openai_admin": ("u.json", b'{"object":"organization.costs.result"}'),
        "anthropic_admin": ("u.json", b'{"starting_at":"","uncached_input_tokens":1}'),
        "litellm": ("l.jsonl", b'{"request_id":"","startTime":"","prompt_tokens":1}'),
        "langfuse": ("o.jsonl", b'{"trace_id":"","usage_details":{}}'),
        "openrouter": (
            "a.csv",
            b"generation_id,created_at,cost_total,tokens_prompt,tokens_completion\n",
        ),
        "generic_csv": ("a.csv", b"id,at,model,input\n"),
        "generic_bill": ("a.csv", b"at,seller,model,amount_usd\n"),
        "generic_parquet": ("a.parquet", b"PAR1"),
    }

    assert set(heads) == set(formats())
    for kind, (name, head) in heads.items():
        assert [form.KIND for form in formats().values() if form.recognises(name, head)] == [kind]
