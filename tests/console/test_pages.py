"""What the pages say of the books."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import OperationalError

from headgate.budgets.tables import spend_sample
from headgate.console.app import STATIC
from headgate.console.pages import budgets, calls
from headgate.identity.registry import FrozenNode, set_frozen
from headgate.insights.routes import PassedOver
from headgate.ledger.tables import allotment
from tests.console.books import Books, make_snapshot

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_an_empty_page_says_what_to_do_first(books: Books) -> None:
    """A newcomer is given a line to paste, with the gateway's address."""
    bare = replace(make_snapshot(), deployments={}, routes={})
    client = books.client(gateway_url="http://127.0.0.1:9999", snapshot=bare)

    page = client.get("/").text

    assert "curl http://127.0.0.1:9999/v1/chat/completions" in page
    assert "Nothing. No refusals" in page


@pytest.mark.parametrize("routed", [True, False])
def test_the_line_to_paste_asks_for_what_is_there(books: Books, routed: bool) -> None:
    """A name that is configured: the first route's, else the first deployment's."""
    snapshot = make_snapshot()
    named = snapshot.routes if routed else snapshot.deployments
    shown = snapshot if routed else replace(snapshot, routes={})

    page = books.client(snapshot=shown).get("/").text

    assert f'{{"model": "{next(iter(named))}"' in page


def test_calls_show_their_cost(books: Books) -> None:
    """A settled call has its cost, short and exact; a running one the most it can cost."""
    books.settle(books.hold(), {"input_uncached": 1000, "cache_read": 8000, "output_text": 37})
    books.hold(hold_nanos=123_456_789)
    books.fold()

    page = books.client().get("/calls").text

    assert '<span class="money" title="$0.002620000">$0.0026</span>' in page
    assert "≤ $0.12" in page
    assert "9,000" in page
    assert page.count('<tr id="row-') == 2


def test_a_failed_attempt_is_no_measured_success(books: Books) -> None:
    """Its reason stands where a success says that it was measured."""
    first = books.hold()
    books.fail(first, "upstream_rate_limited")
    books.settle(books.hold(call=first.call, attempt=2), {"output_text": 1})
    books.fold()
    client = books.client()

    for path in ("/calls", f"/calls/{first.call}"):
        page = client.get(path).text.replace("<wbr>", "")
        states = re.findall(r'<span class="state (\w+)"[^>]*>(\w+)<', page)
        assert sorted(states) == [("failed", "upstream_rate_limited"), ("measured", "measured")]


def test_what_clients_and_providers_say_is_text(books: Books) -> None:
    """A name that is markup is shown, never run, wherever it comes up."""
    hold = books.hold(asked=ATTACK, run=ATTACK, deployment=ATTACK, principal=ATTACK)
    books.settle(hold, {"output_text": 1}, served_model=ATTACK)
    refused = books.refuse(asked=ATTACK, message=ATTACK, code=ATTACK, budget=ATTACK)
    books.fold()
    client = books.client()

    paths = ("/", "/calls", "/budgets", f"/calls?q={ATTACK}&run={ATTACK}", f"/prices?q={ATTACK}")
    for path in (*paths, f"/calls/{hold.call}", f"/calls/{refused}", f"/calls/{ATTACK}"):
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

    assert [one["name"] for one in hour["series"]] == ["claude-opus", "gpt-5-5"]
    assert hour["series"][0]["amounts_nanos"][-1] == large
    assert sum(hour["series"][1]["amounts_nanos"]) == small
    assert hour["total_nanos"] == small + large
    assert len(hour["series"][0]["amounts_nanos"]) == hour["steps"] == 60
    assert quarter["total_nanos"] == large
    assert hour["complete_from_s"] is None


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


def test_without_budgets_the_page_shows_how_to_add_one(books: Books) -> None:
    """An organisation without limits is told so."""
    bare = make_snapshot(budgets=())

    page = books.client(snapshot=bare).get("/budgets").text

    assert "No budget yet." in page
    assert "limit_usd" in page


def test_budgets_are_a_tree_with_what_is_posted_held_and_free(books: Books) -> None:
    """From the organisation down; each active run by itself; when each renews."""
    books.lend("research-month@2026-11", 500_000_000)
    books.lend("acme-month@2026-11", 500_000_000)
    books.settle(books.hold(run="r42"), {"output_text": 100_000})
    books.hold(hold_nanos=200_000_000)
    books.fold()

    page = books.client().get("/budgets").text

    order = [page.index(text) for text in ("acme-month: ", "research-month: ", "run-cap/alice/r42")]
    assert order == sorted(order)
    assert "research-month: 60 % used" in page
    assert "$0.800000000, of which" in page
    assert "1 Dec, in 9 days" in page
    assert "run-cap/alice/r42: 100 % used" in page


def test_only_the_fullest_runs_are_shown(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many runs do not make a long page; what is left out is said."""
    monkeypatch.setattr(budgets, "RUNS_SHOWN_MAX", 5)
    for number in range(9):
        books.settle(books.hold(run=f"r{number}"), {"output_text": 1000 * number + 1})
    books.fold()

    page = books.client().get("/budgets").text

    assert re.findall(r"run-cap/alice/(r\d): ", page) == ["r8", "r7", "r6", "r5", "r4"]
    assert "4 more" in page


def test_what_needs_attention_is_named(books: Books, now_ns: int) -> None:
    """Frozen nodes, deployments passed over, tight budgets, refusals, failures, missing prices."""
    refused = [books.refuse(), books.refuse()]
    for _ in range(3):
        books.fail(books.hold(deployment="gpt-5-5"), "upstream_overloaded")
    books.hold(hold_nanos=1_700_000_000)
    books.fold()
    with books.engine.begin() as connection:
        set_frozen(connection, FrozenNode("team:visitors", now_ns, "too <b>much</b>"))
    open_breaker = {"claude-opus": PassedOver("breaker_open", now_ns + 5_000_000_000)}

    page = books.client(unwell=lambda: open_breaker).get("/").text
    notices = re.findall(r"<strong>(.*?)</strong><span class=.faint.>(.*?)</span>", page)

    assert notices == [
        ("team:visitors is frozen", "since 12:03:22, reason: too &lt;b&gt;much&lt;/b&gt;"),
        ("claude-opus is passed over", "breaker_open until 12:03:27"),
        ("research-month is 85 % used", "$0.30 free of $2.00"),
        ("2 calls refused by research-month", "budget_exceeded, last just now"),
        ("gpt-5-5 fails", "3 of 4 attempts failed"),
        ("local-llama has no price", "Add its price: a [[prices]] row."),
    ]
    told = books.client().get(f"/calls/{refused[0]}").text
    assert "this call could cost $0.09." in told
    assert "budget_exceeded" in told


def test_calls_are_narrowed_by_the_address(books: Books) -> None:
    """Every condition of the form is in the address, and each can be taken away."""
    mine = books.hold(principal="alice", run="r1", asked="careful", deployment="claude-opus")
    books.settle(mine, {"output_text": 1})
    other = books.hold(principal="bob", run="r1")
    books.fold()
    client = books.client()

    page = client.get("/calls?principal=alice&run=r1&model=careful&from=2026-11-22T09:00").text

    assert mine.call in page
    assert other.call not in page
    assert 'href="/calls?run=r1&amp;model=careful&amp;from=2026-11-22T09%3A00"' in page
    assert other.call in client.get("/calls?q=r1&state=held").text
    assert "No call matches" in client.get("/calls?until=2020-01-01").text
    found = client.get(f"/calls?q={mine.call}")
    assert (found.status_code, found.headers["location"]) == (303, f"/calls/{mine.call}")


def test_pages_of_calls_lead_from_one_to_the_next(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Following the link to older calls shows each call once; the last page has no such link."""
    monkeypatch.setattr(calls, "PAGE_ROWS", 2)
    made = {books.refuse() for _ in range(3)} | {books.hold().call for _ in range(2)}
    books.fold()
    client = books.client()

    seen: list[str] = []
    path: str | None = "/calls"
    while path is not None:
        page = client.get(path).text
        seen += re.findall(r'href="/calls/(call_w\w+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else None

    assert len(seen) == 5
    assert set(seen) == made


def test_routes_show_policy_candidates_and_health(books: Books, now_ns: int) -> None:
    """Who may serve an alias, in which order and regions, and who is passed over until when."""
    books.fail(books.hold(deployment="claude-opus"), "upstream_overloaded")
    books.settle(books.hold(deployment="gpt-5-5"), {"output_text": 1})
    books.fold()
    open_breaker = {"claude-opus": PassedOver("throttled", now_ns + 5_000_000_000)}
    client = books.client(unwell=lambda: open_breaker)

    page = client.get("/routes").text

    assert "ordered, may move among eu" in page
    assert page.count(">throttled<") == 3, "in both aliases and in the table"
    rows = {row["deployment"]: row for row in client.get("/deployments.json").json()}
    assert rows["claude-opus"]["failures"] == rows["claude-opus"]["attempts"] == 1
    assert rows["claude-opus"]["rule"] == "throttled"
    assert rows["gpt-5-5"]["failures"] == 0
    assert rows["gpt-5-5"]["ttft_ms"] == 310
    assert client.get("/routes.json").json()[1]["candidates"][0]["until"] is not None


def test_prices_are_those_of_a_day(books: Books) -> None:
    """A row shows what it cost then, its start and its source; what is deployed comes alone."""
    client = books.client()

    page = client.get("/prices").text
    assert "gpt-5.5" in page
    assert "gpt-4o" not in page
    assert "gpt-4o" in client.get("/prices?all=1").text
    assert "No price is in force on 2019-01-01" in client.get("/prices?at=2019-01-01&all=1").text
    now = client.get("/prices.json?q=gpt-5.5&seller=openai").json()
    assert {row["seller"] for row in now} == {"openai"}
    assert now[0]["tier"] == "standard"
    assert now[0]["sources"]


def test_times_are_in_the_readers_zone(books: Books) -> None:
    """The zone the browser names, the organisation's until it does; UTC in the tooltip."""
    books.hold()
    books.fold()
    client = books.client()
    assert ">12:03:21</time>" in client.get("/calls").text

    for zone, clock in {
        "Asia/Kolkata": "16:33:21",
        "../../etc/passwd": "12:03:21",
        "Europe": "12:03:21",
    }.items():
        client.cookies.set("headgate_zone", zone)
        page = client.get("/calls").text
        assert f'title="2026-11-22 11:03:21.250 UTC">{clock}</time>' in page


def test_the_theme_is_the_readers(books: Books) -> None:
    """A remembered theme is in the page from its first byte; anything else is the system's."""
    client = books.client()
    assert "data-theme" not in client.get("/").text

    client.cookies.set("headgate_theme", "dark")
    assert '<html lang="en" data-zone="Europe/Berlin" data-theme="dark">' in client.get("/").text
    client.cookies.set("headgate_theme", "evil")
    assert "data-theme" not in client.get("/").text


def test_bad_questions_get_an_answer(books: Books) -> None:
    """What cannot be is told in words, on a page."""
    client = books.client()

    for path, words in {
        "/?minutes=7": "minutes is one of 15, 60, 360, 1440, 10080, 43200.",
        "/data/spend.json?minutes=1e9": "minutes is one of",
        "/spend.csv?by=secret": "by is one of deployment, principal",
        "/calls?state=odd": "state is one of held, measured",
        "/calls?from=yesterday": "from is a date or date-time",
        "/calls?until=0001-01-01": "until is a date or date-time",
        "/calls.csv?before=x": "before is what the link",
        "/calls?run=" + "a" * 500: "run has at most 200 characters.",
        "/prices?at=soon": "at is a date",
    }.items():
        answer = client.get(path)
        assert answer.status_code == 400, path
        assert words in answer.text
    for path in ("/calls/call_none", f"/calls/{'a' * 500}", "/calls/call_none.csv", "/nothing"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert 'class="problem' in answer.text or "problem-card" in answer.text


def test_a_broken_store_is_a_503_and_a_bug_a_500(books: Books) -> None:
    """The page says what is wrong and keeps its headers; it shows no trace."""
    with books.engine.begin() as connection:
        connection.execute(text("DROP TABLE refusal"))
    broken = books.client().get("/calls")

    def no_health() -> dict[str, PassedOver]:
        raise RuntimeError("a secret detail")

    bug = books.client(unwell=no_health).get("/routes")

    assert broken.status_code == 503
    assert "The store does not answer" in broken.text
    assert bug.status_code == 500
    assert "secret detail" not in bug.text
    for answer in (broken, bug):
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_budget_that_burns_down_says_until_when(books: Books, now_ns: int) -> None:
    """The alarm of a pace stands on the overview and at the budget, before it is nearly used."""
    hold = books.hold(now_ns - 60 * 10**9)
    books.lend("research-month@2026-11", 1_000_000_000)
    books.settle(hold, {"output_text": 100_000})
    books.fold()
    window = "research-month@2026-11"
    samples = [
        {"window": window, "at_ns": now_ns - 60 * 10**9, "posted_nanos": 0},
        {"window": window, "at_ns": now_ns, "posted_nanos": 1_000_000_000},
    ]
    with books.engine.begin() as connection:
        connection.execute(insert(spend_sample), samples)
    client = books.client()

    assert "$1.00 free of $2.00, at its pace until 12:04:22" in client.get("/").text
    page = client.get("/budgets").text
    assert re.search(r'class="until">until <time[^>]*>12:04:22</time>', page)
    (row,) = [row for row in client.get("/budgets.json").json() if row["id"] == "research-month"]
    assert row["exhausted_at"] == "2026-11-22T11:04:22.250Z"


def test_what_is_delegated_stands_below_its_principal(books: Books, now_ns: int) -> None:
    """Each allotment that lasts is a row under whoever it was carved for, and counted above."""
    carved = {
        "window": "allotment-1@once",
        "number": 1,
        "amount_nanos": 500_000_000,
        "parents": '["research-month@2026-11"]',
        "key": "alice-laptop",
        "chain": '["reviewer~1"]',
        "node": "agent:alice/reviewer",
        "carved_ns": now_ns,
    }
    with books.engine.begin() as connection:
        connection.execute(insert(allotment), [carved])

    page = books.client().get("/budgets").text

    order = [page.index(text) for text in (">research</a>", ">alice</a>", "reviewer <span")]
    assert order == sorted(order)
    assert "no budget of its own" in page
    assert "$0.50</span> carved" in page
    assert books.client().get("/").status_code == 200
