"""Whatever stands in a log, an import ends, counts what it left out, and shows nobody's words."""

import os
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.economics.usage_logs import load_usage
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.load_files import survey
from tests.economics.conftest import Desk
from tests.economics.logs import claude, codex_count, codex_meta, write_lines


@pytest.mark.parametrize("kind", sorted(formats()))
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=30)
def test_no_bytes_break_a_format(kind: str, data: bytes) -> None:
    """Not even those that begin like a log."""
    for begin in (b"", b'{"usage":', b'{"session_meta":1}\n', b"id,at,model,input\n", b"PAR1"):
        formats()[kind].read((begin + data,), "log.jsonl")


@pytest.mark.parametrize("kind", sorted(formats()))
def test_a_value_without_a_bottom_costs_its_line_only(kind: str) -> None:
    """What is nested more deeply than a decoder follows is broken or foreign, never fatal."""
    names = ("usage", "tokens", "prompt_tokens", "metadata", "session_meta", "payload", "data")
    nested = b"[" * 100_000 + b"]" * 100_000
    members = b",".join(b'"%s":%s' % (name.encode(), nested) for name in names)

    for data in (b"{%s}" % members, nested):
        formats()[kind].read((data + b"\n",), "log.jsonl")
        formats()[kind].read((data,), "log.json")


def test_a_mark_of_byte_order_is_no_part_of_a_line(desk: Desk, tmp_path: Path) -> None:
    """Some editors and shells begin a file with it."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    path.write_bytes(BOM_UTF8 + path.read_bytes())

    done = desk.take(path)

    assert (done.tally.broken, desk.outputs()) == (0, [1])


def test_a_pipe_is_no_log(tmp_path: Path) -> None:
    """Nobody waits for its end, and it could not be read again."""
    pipe = tmp_path / "s.jsonl"
    os.mkfifo(pipe)

    found = survey([pipe], {})

    assert found.logs == ()
    assert "save it first" in found.missing[0]


@pytest.mark.parametrize(
    "value", [-1, 2**70, 1.5, "12", None, [], {}, True], ids=lambda value: type(value).__name__
)
def test_an_impossible_count_costs_its_line_only(desk: Desk, tmp_path: Path, value: object) -> None:
    """The lines around it are read, and no record has a count that nobody wrote."""
    lines = [claude("m1", 1), claude("m2", 2, input_tokens=value), claude("m3", 3)]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    told = {one.reply: one.usage.input_uncached for one in desk.records()}
    assert told.pop("m2", 0) == 0
    assert told == {"m1": 10, "m3": 10}


def test_broken_lines_are_counted_and_described(desk: Desk, tmp_path: Path) -> None:
    """Cut, interleaved and foreign lines; a sample tells size and keys, never what they say."""
    secret = "my mother's maiden name"
    cut = '{"type":"assistant","message":{"content":"' + secret
    interleaved = '{"message":{"usage":{"input_tokens":1}}}{"message":"' + secret + '"}'
    foreign = '{"message":{"usage":"' + secret + '"}}'
    bad = (cut, "", interleaved, foreign)

    done = desk.take(write_lines(tmp_path / "s.jsonl", [claude("m1", 1), *bad, claude("m2", 2)]))

    assert desk.outputs() == [1, 2]
    assert (done.tally.broken, done.tally.foreign) == (2, 1)
    assert "type, message, content" in done.tally.samples[0]
    assert all("mother" not in sample for sample in done.tally.samples)


def test_a_line_without_end_is_passed_over(
    new_desk: Callable[[], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never held whole, wherever blocks end; the lines around it are read."""
    path = write_lines(tmp_path / "s.jsonl", [claude("m1", 1), "{" + "x" * 5_000, claude("m2", 2)])
    monkeypatch.setattr(load_usage, "LINE_BYTES_MAX", 1_000)
    for block in (97, 501, 1_999):
        monkeypatch.setattr(load_usage, "BLOCK_BYTES", block)
        desk = new_desk()

        done = desk.take(path)

        assert (done.tally.lines, done.tally.broken) == (3, 1)
        assert desk.outputs() == [1, 2]


def test_times_that_are_none_cost_their_line(desk: Desk, tmp_path: Path) -> None:
    """Milliseconds for seconds, years in the past, and words."""
    times = ["yesterday", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:60.000Z", ""]
    lines = [claude(f"m{n}", 1, at=at) for n, at in enumerate(times)]
    rollout = [codex_meta("t"), codex_count((1, 0, 1), at="soon")]

    done = desk.take(
        write_lines(tmp_path / "s.jsonl", lines), write_lines(tmp_path / "r.jsonl", rollout)
    )

    assert desk.records() == []
    assert done.tally.foreign == 5


def test_files_that_are_no_logs_and_paths_that_are_not_there(desk: Desk, tmp_path: Path) -> None:
    """They are named and change nothing."""
    write_lines(tmp_path / "package.json", ['{"name":"x"}'])
    write_lines(tmp_path / "empty.jsonl", [])

    done = desk.take(tmp_path, tmp_path / "nowhere")

    assert (done.files, desk.records()) == (0, [])
