"""Claude Code's logs: what counts once, what counts twice, and what must not count."""

import json
from pathlib import Path

from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines


def test_a_streamed_reply_counts_once_with_its_last_line(desk: Desk, tmp_path: Path) -> None:
    """Of the lines of one reply the one with the most output counts, booked at the first."""
    lines = [
        claude("m1", 2, at="2026-06-10T23:59:58.100Z", stop=None),
        claude("m1", 500, at="2026-06-11T00:00:07.400Z"),
        claude("m1", 30, at="2026-06-11T00:00:01.000Z", stop=None),
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    (one,) = desk.records()
    assert one.usage.output_text == 500
    assert one.started_ns == 1_781_135_998_100_000_000
    assert one.at_ns == 1_781_136_007_400_000_000
    assert one.grade == "B"


def test_a_reply_without_its_end_is_of_grade_c(desk: Desk, tmp_path: Path) -> None:
    """A stream whose last line is missing has too little output, and says so."""
    desk.take(write_lines(tmp_path / "s.jsonl", [claude("m1", 2, stop=None)]))

    assert [one.grade for one in desk.records()] == ["C"]


def test_a_side_branch_that_repeats_the_main_one_is_dropped(desk: Desk, tmp_path: Path) -> None:
    """It is known by the message's id, even in another file, read before the main one."""
    main = write_lines(tmp_path / "main.jsonl", [claude("m1", 100)])
    replay = claude("m1", 100, request="other", side=True)
    own = claude("m2", 40, side=True)
    side = write_lines(tmp_path / "side.jsonl", [replay, own])

    desk.take(side)
    desk.take(main)

    assert desk.outputs() == [40, 100]


def test_lines_without_a_request_count_once_by_message(desk: Desk, tmp_path: Path) -> None:
    """Behind a gateway there is no request id; one that some lines lost makes no second reply."""
    lines = [
        claude("m1", 10, request=None),
        claude("m1", 10, request=None, at="2026-06-11T00:00:02.000Z"),
        claude("m2", 20, request=None),
        claude("m2", 20),
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    assert desk.outputs() == [10, 20]


def test_cache_writes_are_split_by_how_long_they_are_kept(desk: Desk, tmp_path: Path) -> None:
    """An hour costs more than five minutes; where the log does not say, the cost is a range."""
    told = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 900}
    lines = [
        claude("m1", 1, cache_creation_input_tokens=1000, cache_creation=told),
        claude("m2", 1, cache_creation_input_tokens=1000),
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", lines))

    split, untold = sorted(desk.records(), key=lambda one: one.reply)
    assert (split.usage.cache_write_5m, split.usage.cache_write_1h) == (100, 900)
    assert split.cost_nanos == split.cost_high_nanos
    assert untold.usage.cache_write_5m == 1000
    assert untold.cost_high_nanos is not None
    assert untold.cost_nanos is not None
    # 1,000 tokens at 10 rather than 6.25 dollars a million.
    assert untold.cost_high_nanos - untold.cost_nanos == 3_750_000
    assert untold.grade == "C"


def test_what_the_client_made_up_is_no_usage(desk: Desk, tmp_path: Path) -> None:
    """Error lines, lines of the client itself and tool results that mention usage do not count."""
    error = claude("m1", 5) | {"isApiErrorMessage": True}
    own = claude("m2", 0, model="<synthetic>")
    told = claude("m3", 70)
    user = told | {"type": "user", "toolUseResult": {"usage": told["message"]["usage"]}}

    desk.take(write_lines(tmp_path / "s.jsonl", [error, own, user]))

    assert desk.records() == []


def test_a_user_in_a_reply_hides_nothing(desk: Desk, tmp_path: Path) -> None:
    """A reply whose content or folder looks like a line of the user's still counts."""
    nested = claude("m1", 11)
    nested["message"]["content"] = [{"type": "tool_use", "input": {"a": 1, "type": "user"}}]
    early = {"message": nested["message"]} | nested
    folder = claude("m2", 22) | {"cwd": '/home/{x,"type":"user",'}
    files = [
        json.dumps(line, separators=(",", ":")) for line in (nested, early | {"uuid": "u"}, folder)
    ]

    desk.take(write_lines(tmp_path / "s.jsonl", files))

    assert desk.outputs() == [11, 22]


def test_a_log_that_begins_with_what_was_pasted_is_known(desk: Desk, tmp_path: Path) -> None:
    """However long that is, the replies behind it count."""
    pasted = {"type": "queue-operation", "operation": "enqueue", "content": "x" * 50_000}

    desk.take(write_lines(tmp_path / "s.jsonl", [pasted, claude("m1", 11)]))

    assert desk.outputs() == [11]


def test_fast_mode_and_searches_have_their_prices(desk: Desk, tmp_path: Path) -> None:
    """Fast mode is a price row of its own, searches a fee."""
    plain = claude("m1", 300)
    fast = claude("m2", 300, speed="fast")
    search = claude("m3", 300, server_tool_use={"web_search_requests": 2, "web_fetch_requests": 1})

    desk.take(write_lines(tmp_path / "s.jsonl", [plain, fast, search]))

    costs = {one.reply: one.cost_nanos for one in desk.records()}
    assert costs == {"m1": 8_050_000, "m2": 16_100_000, "m3": 28_050_000}
