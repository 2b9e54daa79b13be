"""`/metrics`: what was counted and what is so now, as the official parser reads it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headgate.exports import tally
from headgate.exports.prometheus import CONTENT_TYPE, State, render
from headgate.exports.scraping import Scrape
from headgate.exports.tally import OTHER, SERIES_MAX, Tally
from headgate.insights.drift import Drift
from headgate.insights.routes import PassedOver, Queued
from tests.architecture.repository import ROOT
from tests.console.books import NOW_NS, Books
from tests.exports.planted import fill

TOKEN = "a-token-of-some-length"
PREFIX = "headgate_"
NOTHING = State("1", (), 0, 0, {}, (), 0)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Books that tests write in: what is scraped counts from where it begins."""
    books = Books(tmp_path_factory.mktemp("used"))
    yield books
    books.close()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Books of a test's own."""
    books = Books(tmp_path)
    yield books
    books.close()


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample, by its name without the prefix and its labels."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name.removeprefix(PREFIX), tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def scraped(books: Books, scrape: Scrape, **world: Any) -> dict[Any, float]:
    """Return what a program that scrapes reads."""
    answer = books.client(scrape=scrape, **world).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == CONTENT_TYPE
    return parsed(answer.text)


def test_what_was_folded_since_is_counted_once(used: Books) -> None:
    """Calls, tokens, money and refusals, by bounded labels; a second look adds nothing."""
    scrape = Scrape(used.reading, used.data_dir / "journal")
    fill(used)
    first, second = scraped(used, scrape), scraped(used, scrape)
    model = ("model", "gpt-5.5-2026-08")

    assert first == second
    assert first["calls_total", (("team", "research"),)] == 5
    assert first["calls_total", (("team", "sales"),)] == 3
    assert first["refusals_total", (("code", "budget_exceeded"), ("team", "research"))] == 1
    assert first["usage_total", (("meter", "cache_read"), model, ("team", "research"))] == 231
    gpt, sales = ("deployment", "gpt-5-5"), ("team", "sales")
    assert first["attempts_total", (gpt, ("state", "measured"), sales)] == 2
    assert first["attempts_total", (gpt, ("state", "estimated"), sales)] == 1
    assert first["estimated_usd_total", (("model", "gpt-5-5"), ("team", "sales"))] == 0.09


def test_money_is_exact_to_the_nano(books: Books) -> None:
    """The text has nine decimals; what the store posted is what they add up to."""
    scrape = Scrape(books.reading, books.data_dir / "journal")
    fill(books)
    text = books.client(scrape=scrape).get("/metrics").text
    spend = [line for line in text.splitlines() if line.startswith("headgate_spend_usd_total{")]
    posted = [line for line in text.splitlines() if 'budget_posted_usd{budget="acme' in line]

    assert sum(Decimal(line.rpartition(" ")[2]) for line in spend) == Decimal(
        posted[0].rpartition(" ")[2]
    )


def test_a_histogram_counts_what_is_below_each_bound(used: Books) -> None:
    """1.24 s lies above 0.64 and below 1.28; the last bucket has all."""
    scrape = Scrape(used.reading, used.data_dir / "journal")
    used.settle(used.hold(), {"input_uncached": 10})
    used.fold()
    found = scraped(used, scrape)
    name, labels = "attempt_duration_seconds_bucket", (("deployment", "gpt-5-5"),)

    assert found[name, (*labels, ("le", "0.640000"))] == 0
    assert found[name, (*labels, ("le", "1.280000"))] == 1
    assert found[name, (*labels, ("le", "+Inf"))] == 1
    assert found["attempt_duration_seconds_sum", labels] == 1.24
    assert found["time_to_first_byte_seconds_sum", labels] == 0.31


def test_budgets_holds_and_queues_are_what_is_so_now(books: Books) -> None:
    """Of each configured budget its limit, posted, held and free; no run's own window."""
    books.hold(run="nightly", hold_nanos=3_000_000_000)
    books.fold()
    scrape = Scrape(books.reading, books.data_dir / "journal")
    queued = (Queued("gpt-5-5", "batch", "sales", 1, 2, 7),)
    unwell = {"claude-opus": PassedOver("breaker_open", NOW_NS)}
    found = scraped(books, scrape, queued=lambda: queued, unwell=lambda: unwell)
    acme = (("budget", "acme-month"), ("node", "organisation"))
    sales = (("deployment", "gpt-5-5"), ("priority", "batch"), ("team", "sales"))

    assert (found["budget_limit_usd", acme], found["budget_held_usd", acme]) == (500, 3)
    assert found["budget_free_usd", acme] == 497
    assert (found["held_usd", ()], found["running_attempts", ()]) == (3, 1)
    assert (found["queue_waiting", sales], found["queue_running", sales]) == (7, 2)
    passed = (("deployment", "claude-opus"), ("rule", "breaker_open"))
    assert found["deployment_passed_over", passed] == 1
    assert not [labels for name, labels in found if "nightly" in str(labels)]


def test_what_is_not_folded_yet_is_told_in_bytes(used: Books) -> None:
    """The lag of the fold, nought once it has caught up."""
    scrape = Scrape(used.reading, used.data_dir / "journal")
    used.refuse()
    behind = scraped(used, scrape)["fold_behind_bytes", ()]
    used.fold()

    assert behind > 0
    assert scraped(used, scrape)["fold_behind_bytes", ()] == 0


def test_drift_is_told_by_provider() -> None:
    """By how much its reports differ from the books, and what nothing accounts for."""
    drift = Drift("acme-ai", 3, 7, 5, 2_000_000_000, 500_000_000, 0, 1)
    found = parsed(render(Tally(), NOTHING._replace(drifts=(drift,))))

    assert found["drift_usd", (("provider", "acme-ai"),)] == 2
    assert found["drift_unknown_usd", (("provider", "acme-ai"),)] == 0.5


def test_labels_are_bounded() -> None:
    """More models than there is room for are counted together, and none is lost."""
    counted = tally.Counted()
    for number in range(SERIES_MAX + 10):
        counted.add(("team", f"model-{number}"))

    assert len(counted.sums) == SERIES_MAX + 1
    assert counted.sums[OTHER, OTHER] == 10


def test_every_metric_is_documented() -> None:
    """The reference names each, and no other."""
    page = (ROOT / "docs" / "reference" / "exports.md").read_text()
    written = set(re.findall(r"^# TYPE (\S+)", render(Tally(), NOTHING), re.M))

    assert set(re.findall(r"`(headgate_\w+)`", page)) == written


def test_any_name_can_be_read_back() -> None:
    """A model's name comes from outside: quotes, backslashes and line ends are escaped."""
    counted = Tally()
    counted.calls.add(('a"b\\c\nd',))

    assert parsed(render(counted, NOTHING))["calls_total", (("team", 'a"b\\c\nd'),)] == 1


def test_a_token_is_shown_as_a_bearer(used: Books) -> None:
    """Where the console has one; a session's cookie or the address does not do."""
    scrape = Scrape(used.reading, used.data_dir / "journal")
    client = used.client(scrape=scrape, token=TOKEN)

    assert client.get("/metrics").status_code == 401
    assert client.get(f"/metrics?token={TOKEN}").status_code == 401
    wrong = client.get("/metrics", headers={"authorization": "Bearer nonsense"})
    right = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert (wrong.status_code, right.status_code) == (401, 200)
    assert client.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 401


def test_only_this_machine_scrapes_without_a_token(used: Books) -> None:
    """As with every page of the console; another host's name is refused, too."""
    scrape = Scrape(used.reading, used.data_dir / "journal")

    assert used.client("192.0.2.7", scrape=scrape).get("/metrics").status_code == 403
    other = {"host": "evil.example"}
    assert used.client(scrape=scrape).get("/metrics", headers=other).status_code == 421
