"""One call opened: everything the books say of it."""

import re

import msgspec

from headgate.records.estimate import EstimateRecord
from headgate.records.journal import CacheNote, CandidateRecord
from tests.console.books import Books


def test_an_opened_call_explains_itself(
    books: Books, now_ns: int, candidates: tuple[CandidateRecord, ...]
) -> None:
    """Charge lines with prices and rows, the hold, the times, and the decision in order."""
    number = books.decide(now_ns, "fast", candidates)
    hold = books.hold(decision=number)
    books.settle(hold, {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    books.fold()

    page = books.client().get(f"/calls/{hold.call}").text

    assert "exactly $0.002620000" in page
    assert re.search(r"cache_read.*?8,000.*?\$0\.125<.*?\$0\.001000000<", page, re.DOTALL)
    assert "openai/gpt-5.5@2026-08-01" in page
    assert "$0.090000000, of which $0.087380000 came back" in page
    assert "after 310 ms" in page
    assert "cheapest, quoted for 4,096 input and 512 output tokens" in page
    rows = re.findall(r'<th scope="row">([^<]+)</th>.*?</td><td>(.*?)</td></tr>', page, re.DOTALL)
    assert [name for name, _ in rows] == ["gpt-5-5", "claude-opus", "local-llama"]
    assert "chosen" in rows[0][1]
    assert rows[1][1] == "eligible"
    assert rows[2][1] == "excluded: context_tokens"


def test_each_attempt_marks_the_candidate_it_used(
    books: Books, now_ns: int, candidates: tuple[CandidateRecord, ...]
) -> None:
    """The first one failed: the second used the next candidate, by the same decision."""
    number = books.decide(now_ns, "fast", candidates)
    first = books.hold(decision=number, deployment="gpt-5-5")
    books.fail(first, "upstream_rate_limited")
    second = books.hold(call=first.call, attempt=2, decision=number, deployment="claude-opus")
    books.settle(second, {"output_text": 1})
    books.fold()

    page = books.client().get(f"/calls/{first.call}").text

    chosen = re.findall(r'<tr class="chosen"><th scope="row">([^<]+)<', page)
    assert chosen == ["gpt-5-5", "claude-opus"]
    assert page.count("<td>eligible</td>") == page.count("<td>tried by attempt 1</td>") == 1


def test_every_attempt_of_a_call_is_shown(books: Books) -> None:
    """A voided first attempt, and the second with its own hold; the sum is the call's."""
    first = books.hold(deployment="claude-opus")
    books.void(first, "connect_failed")
    second = books.hold(call=first.call, attempt=2)
    books.estimate(second, "stream_cut")
    books.fold()

    page = books.client().get(f"/calls/{first.call}").text

    assert "over 2 attempts" in page
    assert "Attempt 1: claude-opus" in page
    assert "Nothing reached the provider, so nothing was charged." in page
    assert "so $0.090000000 was posted as the bound" in page


def test_a_running_call_keeps_itself_fresh(books: Books) -> None:
    """Only a call that still runs is asked for again."""
    running = books.hold()
    ended = books.hold()
    books.settle(ended, {"output_text": 1})
    books.fold()
    client = books.client()

    assert 'hx-trigger="every 2s"' in client.get(f"/calls/{running.call}").text
    assert 'hx-trigger="every 2s"' not in client.get(f"/calls/{ended.call}").text


def test_a_call_tells_what_its_translation_lost(books: Books) -> None:
    """The dialect it went through and each place that was left out; also when nothing was."""
    lossy = books.hold(via="anthropic_messages", lost=("$.seed", "$.messages[3].name"))
    clean = books.hold(via="anthropic_messages")
    native = books.hold()
    books.fold()
    client = books.client()

    told = client.get(f"/calls/{lossy.call}").text
    assert "to <code>anthropic_messages</code>; these places" in told
    assert re.findall(r"<li><code>(.*?)</code>", told) == ["$.seed", "$.messages[3].name"]
    assert "nothing of the client's body was lost" in client.get(f"/calls/{clean.call}").text
    assert "nothing was translated" in client.get(f"/calls/{native.call}").text
    assert "2 lost" in client.get("/calls").text
    assert client.get(f"/calls/{lossy.call}.json").json()["attempts"][0]["lost"] == [
        "$.seed",
        "$.messages[3].name",
    ]


def test_what_a_prompt_cache_did_is_shown(books: Books) -> None:
    """Saved, marked, and where it broke; nothing is said of calls without."""
    note = CacheNote(-3_000, ("system",), "changed", "tools[3]", 2_000, 9_000_000)
    noted, plain = books.hold(), books.hold()
    books.settle(noted, {"input_uncached": 9}, cache=note)
    books.settle(plain, {"input_uncached": 9})
    books.fold()

    page = books.client().get(f"/calls/{noted.call}").text

    assert "<code>system</code>" in page
    assert re.search(r"2,000 tokens, changed at <code[^>]*>tools\[3\]</code>: \$0.009000000", page)
    assert "Prompt cache" not in books.client().get(f"/calls/{plain.call}").text


def test_a_decision_by_estimates_shows_them(
    books: Books, now_ns: int, candidates: tuple[CandidateRecord, ...]
) -> None:
    """Quality with its interval, n and terms, the runner-up and its flip; unknown is said so."""
    estimates = [EstimateRecord(813_400, 700_000, 890_000, 10_000, {"base": 1_665}), None, None]
    unknown = EstimateRecord(500_000, 19_455, 980_545)
    known = tuple(
        msgspec.structs.replace(each, place=place, estimate=estimate or unknown)
        for place, (each, estimate) in enumerate(zip(candidates, estimates, strict=True), 1)
    )
    hold = books.hold(decision=books.decide(now_ns, "fast", known))
    books.settle(hold, {"output_text": 1})
    books.fold()

    page = books.client().get(f"/calls/{hold.call}").text

    assert "0.813</td>" in page
    assert "0.700 to 0.890" in page
    assert "base +1.67" in page
    assert "unknown</td>" in page
    assert re.search(r"claude-opus, which would win \d+\.\d % cheaper", page)
