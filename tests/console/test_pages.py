"""What the pages say of the books."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from headgate.console.app import STATIC
from headgate.identity.registry import FrozenNode, set_frozen, set_thawed
from headgate.insights.frozen import FROZEN_MAX
from headgate.records.journal import CacheNote, CandidateRecord
from tests.console.books import Books

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_an_empty_page_says_what_to_do_first(books: Books) -> None:
    """A newcomer is given a line to paste, with the gateway's address."""
    page = books.client(gateway_url="http://127.0.0.1:9999").get("/").text

    assert "curl http://127.0.0.1:9999/v1/chat/completions" in page
    assert "Nothing was refused." in page


def test_without_budgets_the_page_shows_how_to_add_one(books: Books) -> None:
    """An organisation without limits is told so."""
    page = books.client(budgets=tuple).get("/fragments/budgets").text

    assert "No budget yet." in page
    assert "limit_usd" in page


def test_calls_show_their_cost(books: Books) -> None:
    """A settled call has its cost, short and exact; a running one the most it can cost."""
    books.settle(books.hold(), {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    books.hold(hold_nanos=123_456_789)
    books.fold()

    page = books.client().get("/fragments/calls").text

    assert '<span class="money" title="$0.002620000">$0.0026</span>' in page
    assert "≤ $0.12" in page
    assert "9,000" in page
    assert page.count('<tr id="row-') == 2


def test_budgets_show_how_they_stand(books: Books) -> None:
    """Posted, held, free and lent of each budget and each active run."""
    books.lend("research-month@2026-11", 500_000_000)
    books.lend("acme-month@2026-11", 500_000_000)
    books.settle(books.hold(run="r42"), {"output_text": 100_000})
    books.hold(hold_nanos=200_000_000)
    books.fold()

    page = books.client().get("/fragments/budgets").text

    assert "research-month: 60 % used" in page
    assert "$0.800000000, of which" in page
    assert "renews 1 Dec, in 9 days" in page
    assert "run-cap/alice/r42: 100 % used" in page
    assert '<strong>r42</strong> <span class="faint">principal:alice, run-cap</span>' in page


def test_only_the_fullest_runs_are_shown(books: Books) -> None:
    """Many runs do not make a long page; what is left out is said."""
    for number in range(9):
        books.settle(books.hold(run=f"r{number}"), {"output_text": 1000 * number + 1})
    books.fold()

    page = books.client().get("/fragments/budgets").text

    assert re.findall(r"run-cap/alice/(r\d): ", page) == ["r8", "r7", "r6", "r5", "r4"]
    assert "4 more" in page


def test_refusals_show_their_reason(books: Books) -> None:
    """The code and the sentence the client was given."""
    call = books.refuse()
    books.fold()
    client = books.client()

    page = client.get("/fragments/refusals").text
    assert '<strong>research-month</strong> <span class="state refused">budget_exceeded<' in page
    assert page.count("this call could cost $0.09.") == 2, "whole, in the cell and in its title"
    assert "this call could cost $0.09." in client.get(f"/calls/{call}").text


def test_frozen_nodes_are_named_with_their_reason(books: Books, now_ns: int) -> None:
    """Since when and why, for as long as it is frozen; a reason is text like any other."""
    client = books.client()
    assert "Frozen" not in client.get("/").text
    with books.engine.begin() as connection:
        set_frozen(connection, FrozenNode("team:visitors", now_ns, "too <b>much</b>"))

    for path in ("/", "/fragments/frozen"):
        page = client.get(path).text
        assert "Frozen: <strong>team:visitors</strong>, since 12:03:22, reason: too &lt;b" in page

    with books.engine.begin() as connection:
        set_thawed(connection, "team:visitors")
    assert "Frozen" not in client.get("/fragments/frozen").text


def test_many_frozen_nodes_make_a_short_list(books: Books, now_ns: int) -> None:
    """The last ones are shown; that there are more is said."""
    with books.engine.begin() as connection:
        for number in range(FROZEN_MAX + 1):
            set_frozen(connection, FrozenNode(f"team:t{number}", now_ns + number, ""))

    page = books.client().get("/fragments/frozen").text

    assert page.count("<strong>") == FROZEN_MAX
    assert "team:t0<" not in page
    assert "More nodes are frozen" in page


def test_an_opened_call_explains_itself(
    books: Books, now_ns: int, candidates: tuple[CandidateRecord, ...]
) -> None:
    """Charge lines with prices and rows, the hold, the times, and the decision in order."""
    number = books.decide(now_ns, "fast", candidates)
    hold = books.hold(decision=number)
    books.settle(hold, {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    books.fold()

    page = books.client().get(f"/fragments/calls/{hold.call}").text

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


def test_a_failed_attempt_is_no_measured_success(books: Books) -> None:
    """Its reason stands where a success says that it was measured."""
    first = books.hold()
    books.fail(first, "upstream_rate_limited")
    books.settle(books.hold(call=first.call, attempt=2), {"output_text": 1})
    books.fold()
    client = books.client()

    for path in ("/fragments/calls", f"/fragments/calls/{first.call}"):
        states = re.findall(r'<span class="state (\w+)"[^>]*>(\w+)<', client.get(path).text)
        assert sorted(states) == [("failed", "upstream_rate_limited"), ("measured", "measured")]


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

    page = books.client().get(f"/fragments/calls/{first.call}").text

    chosen = re.findall(r'<tr class="chosen"><th scope="row">([^<]+)<', page)
    assert chosen == ["gpt-5-5", "claude-opus"]
    assert page.count("<td>eligible</td>") == page.count("<td>tried by attempt 1</td>") == 1


def test_what_a_prompt_cache_did_is_shown(books: Books) -> None:
    """Saved, marked, and where it broke; nothing is said of calls without."""
    note = CacheNote(-3_000, ("system",), "changed", "tools[3]", 2_000, 9_000_000)
    noted, plain = books.hold(), books.hold()
    books.settle(noted, {"input_uncached": 9}, cache=note)
    books.settle(plain, {"input_uncached": 9})
    books.fold()

    page = books.client().get(f"/fragments/calls/{noted.call}").text

    assert "<code>system</code>" in page
    assert "2,000 tokens, changed at <code>tools[3]</code>: $0.009000000" in page
    assert "Prompt cache" not in books.client().get(f"/fragments/calls/{plain.call}").text


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

    assert 'hx-trigger="every 2s"' in client.get(f"/fragments/calls/{running.call}").text
    assert "hx-trigger" not in client.get(f"/fragments/calls/{ended.call}").text


def test_what_clients_and_providers_say_is_text(books: Books) -> None:
    """A name that is markup is shown, never run, wherever it comes up."""
    hold = books.hold(asked=ATTACK, run=ATTACK, deployment=ATTACK, principal=ATTACK)
    books.settle(hold, {"output_text": 1}, served_model=ATTACK)
    refused = books.refuse(asked=ATTACK, message=ATTACK, code=ATTACK, budget=ATTACK)
    books.fold()
    client = books.client()

    for path in ("/", f"/calls/{hold.call}", f"/calls/{refused}", f"/calls/{ATTACK}"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in client.get("/").text
    assert client.get("/data/spend.json").headers["content-type"] == "application/json"


def test_spend_is_told_by_step_and_deployment(books: Books, now_ns: int) -> None:
    """Whole nano-dollars, in the step in which the attempt began; series by name."""
    small = books.settle(books.hold(now_ns - 20 * 60 * 10**9), {"output_text": 10})
    large = books.settle(books.hold(deployment="claude-opus"), {"output_text": 500})
    books.fold()

    hour = books.client().get("/data/spend.json?minutes=60").json()
    quarter = books.client().get("/data/spend.json").json()

    assert [one["deployment"] for one in hour["series"]] == ["claude-opus", "gpt-5-5"]
    assert hour["series"][0]["amounts_nanos"][-1] == large
    assert sum(hour["series"][1]["amounts_nanos"]) == small
    assert hour["total_nanos"] == small + large
    assert len(hour["series"][0]["amounts_nanos"]) == hour["steps"] == 60
    assert quarter["total_nanos"] == large
    assert hour["complete_from_s"] is None
    assert hour["zone"] == "Europe/Berlin"


def test_bad_questions_get_an_answer(books: Books) -> None:
    """Wrong windows and unknown calls are told in words, on a page."""
    client = books.client()

    for path in ("/?minutes=7", "/data/spend.json?minutes=1e9", "/fragments/summary?minutes=-1"):
        answer = client.get(path)
        assert answer.status_code == 400
        assert "minutes is one of 15, 60, 360, 1440." in answer.text
    for path in ("/calls/call_none", f"/calls/{'a' * 500}", "/fragments/calls/call_none"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "There is no such call here" in answer.text


def test_a_broken_store_is_a_503_and_a_bug_a_500(books: Books) -> None:
    """The page says what is wrong and keeps its headers; it shows no trace."""
    with books.engine.begin() as connection:
        connection.execute(text("DROP TABLE refusal"))
    broken = books.client().get("/fragments/refusals")

    def no_budgets() -> tuple[()]:
        raise RuntimeError("a secret detail")

    bug = books.client(budgets=no_budgets).get("/fragments/budgets")

    assert broken.status_code == 503
    assert "The store does not answer" in broken.text
    assert bug.status_code == 500
    assert "secret detail" not in bug.text
    for answer in (broken, bug):
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_console_cannot_write(books: Books) -> None:
    """It is given a read-only store; even a bug in it could change nothing."""
    with (
        books.reading.connect() as connection,
        pytest.raises(OperationalError, match="readonly database"),
    ):
        connection.execute(text("DELETE FROM attempt"))


def test_no_page_has_inline_script_or_style() -> None:
    """The strict policy would block them; they are kept out at the source."""
    templates = (STATIC.parent / "templates").glob("*.html")
    for page in templates:
        source = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", source), page.name
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source)), page.name
        assert "|safe" not in source, page.name
