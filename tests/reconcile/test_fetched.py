"""Fetching reports: from simulators that give them as the providers do, page by page."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from headgate.economics.usage_logs.record import Bill, Findings, Found
from headgate.node.reconciling import RETRY_NS, TRIES_MAX, Turn
from headgate.reconcile.load_fetched import TRIES, FetchError, ask, fetch
from headgate.reconcile.load_reports import ReportError
from headgate.reconcile.reports import Reports
from headgate.reconcile.settings import Source
from headgate.simulator import Simulator, SimulatorThread
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage

DAY_NS = 86_400 * 10**9
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A simulator that has answered one call of each provider."""
    with SimulatorThread(seed=7) as running:
        say = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}
        for url, header, model in (
            (f"{running.openai_url}/chat/completions", "authorization", "gpt-5.4-mini"),
            (f"{running.anthropic_url}/v1/messages", "x-api-key", "claude-haiku-4-5"),
        ):
            body = say | {"model": model}
            if header == "authorization":
                body["max_completion_tokens"] = body.pop("max_tokens")
            headers = {header: "Bearer sk-test", "anthropic-version": "2023-06-01"}
            assert httpx.post(url, json=body, headers=headers).status_code == 200
        yield running


def source(simulator: Simulator, kind: str) -> Source:
    """Return a source at the simulator."""
    openai = simulator.openai_url.removesuffix("/v1")
    url = openai if kind == "openai" else simulator.anthropic_url
    return Source(kind, admin=kind, credential="sk-admin", base_url=url)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_reports_are_fetched_over_pages(simulator: Simulator, kind: str) -> None:
    """Of forty days, with 31 on a page, each is covered, and today's call is in both reports."""
    now_ns = simulator.bill.entries[0].at_ns
    asked: list[str] = []

    def get(base_url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        asked.append(path)
        return ask(base_url, path, headers)

    reports = fetch(source(simulator, kind), 40, now_ns, get=get)

    [entry] = [each for each in simulator.bill.entries if each.provider == kind]
    [found] = reports.usage.values()
    assert found.usage.prompt_tokens == entry.usage.prompt
    assert sum(bill.amount_nanos for bill in reports.bills.values()) == entry.amount * 10**9
    days = reports.days(UTC)
    assert len(days) == 41
    assert [day for day in reports.days(UTC) if reports.is_settled(day, UTC, 0)] == days[:-1]
    assert len(asked) == (4 if kind == "anthropic" else 3)


def test_what_may_pass_is_tried_again_and_what_may_not_is_told() -> None:
    """A provider that is down is asked four times; a refused credential once, and never shown."""
    pauses: list[int] = []
    answers = iter([(503, b""), (429, b""), (200, b'{"data": []}'), (200, b'{"data": []}')])
    here = Source("p", admin="openai", credential="sk-admin", base_url="http://127.0.0.1:1")

    def refuse(*_: object) -> tuple[int, bytes]:
        return 401, b"sk-admin is wrong"

    def drop(*_: object) -> tuple[int, bytes]:
        raise OSError("no route")

    fetch(here, 1, DAY_NS, get=lambda *_: next(answers), pause=pauses.append)
    with pytest.raises(FetchError, match="answered with status 401") as refused:
        fetch(here, 1, DAY_NS, get=refuse, pause=pauses.append)
    asked_before = len(pauses)
    with pytest.raises(FetchError, match="cannot be asked: no route"):
        fetch(here, 1, DAY_NS, get=drop, pause=pauses.append)

    assert pauses[:2] == [2, 4]
    assert "sk-admin" not in str(refused.value)
    assert len(pauses) - asked_before == TRIES - 1


def test_what_is_no_report_is_told() -> None:
    """A page of HTML, an answer without end, and a report of somebody else's are errors."""
    here = Source("p", admin="openai", credential="sk-admin", base_url="http://127.0.0.1:1")
    endless = b'{"data": [], "has_more": true, "next_page": "a"}'

    for body, words in ((b"<html>", "not a provider's own"), (endless, "more than 100 pages")):
        with pytest.raises(ReportError, match=words):
            fetch(here, 1, DAY_NS, get=lambda *_, body=body: (200, body))


def test_a_day_is_settled_by_reports_that_came_late_enough() -> None:
    """An older report of the same folder does not settle what a later one does not tell."""
    noon, days = DAY_NS // 2, [date(1970, 1, 1), date(1970, 1, 2)]
    bill = Bill("openai", 0, DAY_NS, "x", "m", 5)
    used = Found("a", "", 0, 0, 0, "m", Usage(output_text=1), "openai", grade="A")
    reports = Reports("openai")
    reports.take(Findings(bills=[bill], covered=[(0, DAY_NS)]), fetched_ns=noon)
    early = [reports.is_settled(day, UTC, 0) for day in days]
    reports.take(Findings(usage=[used], covered=[(0, 2 * DAY_NS)]), fetched_ns=9 * DAY_NS)
    usage_alone = [reports.is_settled(day, UTC, 0) for day in days]
    reports.take(Findings(bills=[bill], covered=[(0, DAY_NS)]), fetched_ns=2 * DAY_NS)
    both = [reports.is_settled(day, UTC, 0) for day in days]

    assert (early, usage_alone, both) == ([False, False], [False, True], [True, True])
    assert not reports.is_settled(days[0], UTC, 2 * DAY_NS)


def at(hour: int, day: int = 2) -> int:
    """Return an hour of a day in Berlin."""
    return from_datetime(datetime(2026, 11, day, hour, tzinfo=BERLIN))


def test_a_turn_comes_once_a_day() -> None:
    """From its minute on, and never twice."""
    turn = Turn()

    assert not turn.is_due(300, BERLIN, at(4))
    assert turn.is_due(300, BERLIN, at(5))
    turn.note_done(BERLIN, at(9))
    assert not turn.is_due(300, BERLIN, at(10))
    assert not turn.is_due(300, BERLIN, at(4, day=3))
    assert turn.is_due(300, BERLIN, at(5, day=3))


def test_a_failed_turn_comes_again_for_a_while() -> None:
    """A quarter hour later, so many times; then the next day."""
    turn = Turn()
    now_ns = at(5)
    for _ in range(TRIES_MAX):
        assert turn.is_due(300, BERLIN, now_ns)
        turn.note_failed(BERLIN, now_ns)
        assert not turn.is_due(300, BERLIN, now_ns + RETRY_NS - 1)
        now_ns += RETRY_NS

    assert not turn.is_due(300, BERLIN, now_ns)
    assert turn.is_due(300, BERLIN, at(5, day=3))
