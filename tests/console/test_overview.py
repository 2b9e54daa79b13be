"""The console's queries: bounded, by an index, and honest about what they leave out."""

import pytest
from sqlalchemy import event

from headgate.insights import overview
from tests.console.books import Books


def test_a_lapse_ends_with_the_step_that_contains_now(now_ns: int) -> None:
    """Steps stand still while time passes, so that bars fill instead of moving."""
    for minutes, step_s in overview.STEP_S_BY_MINUTES.items():
        lapse = overview.lapse_of(minutes, now_ns)

        assert lapse.until_ns - lapse.since_ns == minutes * 60 * 10**9
        assert lapse.until_ns - step_s * 10**9 <= now_ns < lapse.until_ns
        assert lapse.since_ns % lapse.step_ns == 0


def test_a_summary_counts_calls_not_attempts(books: Books, now_ns: int) -> None:
    """A second attempt is no second call; what runs is held, not posted."""
    first = books.hold()
    books.void(first, "connect_failed")
    posted = books.settle(books.hold(call=first.call, attempt=2), {"output_text": 50})
    books.hold(hold_nanos=70_000_000)
    books.refuse()
    books.fold()

    with books.reading.connect() as connection:
        summary = overview.read_summary(connection, overview.lapse_of(15, now_ns))

    assert summary == overview.Summary(
        calls=2,
        posted_nanos=posted,
        refused=1,
        running=1,
        held_nanos=70_000_000,
        ttft_us=310_000,
        cut=False,
    )


def test_small_series_are_summed_into_one(books: Books, now_ns: int) -> None:
    """However many deployments there are, the chart has the largest, by name, and the rest."""
    posted = sum(
        books.settle(books.hold(deployment=f"d{number}"), {"output_text": 10 + number})
        for number in range(9)
    )
    books.fold()

    with books.reading.connect() as connection:
        spend = overview.read_spend(connection, overview.lapse_of(15, now_ns), "deployment")

    names = [series.name for series in spend.series]
    assert names == ["d4", "d5", "d6", "d7", "d8", None]
    assert spend.total_nanos == posted


def test_a_cut_says_from_when_it_is_complete(
    books: Books, now_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than are read: the newest are summed, and the answer says so."""
    monkeypatch.setattr(overview, "SCAN_ROWS_MAX", 3)
    begins = [now_ns - second * 10**9 for second in range(1, 6)]
    for at_ns in reversed(begins):
        books.settle(books.hold(at_ns), {"output_text": 1})
    books.fold()

    with books.reading.connect() as connection:
        lapse = overview.lapse_of(15, now_ns)
        spend = overview.read_spend(connection, lapse, "team")
        summary = overview.read_summary(connection, lapse)

    assert spend.complete_from_ns == begins[2]
    assert spend.total_nanos == 3 * 10_000
    assert summary.cut


def test_every_query_is_bounded_and_uses_an_index(books: Books) -> None:
    """No page reads a table of calls or refusals from one end to the other."""
    hold = books.hold(run="r1", decision=1)
    books.settle(hold, {"output_text": 1})
    books.fold()
    asked: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(books.reading, "before_cursor_execute")
    def note(
        _c: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object
    ) -> None:
        asked.append((statement, parameters))

    client = books.client()
    paths = ("/", "/calls", "/calls?q=x&principal=alice&from=2026-01-01&before=9.a", "/calls.csv")
    more = ("/budgets", "/routes", "/prices", "/keys", "/data/spend.json?minutes=43200")
    for path in (*paths, *more, f"/calls/{hold.call}"):
        assert client.get(path).status_code == 200
    event.remove(books.reading, "before_cursor_execute", note)

    assert len(asked) >= 30
    with books.reading.connect() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for row in plan:
                assert not _scans(row.detail), (statement, row.detail)


def _scans(detail: str) -> bool:
    """Tell whether a step reads a whole table; a scan along an index stops at its LIMIT."""
    large = ("attempt", "refusal", "decision", "window", "lease")
    words = detail.split()
    return words[0] == "SCAN" and words[1] in large and "INDEX" not in words
