"""The news of a worker: bounded, told once, heard by whoever learns the same."""

import logging

import msgspec
import pytest

from headgate.budgets.settings import RunLimits
from headgate.capacity.pace import PARTS, Pace
from headgate.experience.rows import ROWS_MAX, CountRow, Experience, LatestRow, Value
from headgate.gateway.learning.guards import Guards
from headgate.gateway.learning.known_outputs import KnownOutputs
from headgate.gateway.learning.notebook import NEWS_MAX, Notebook
from headgate.records.control import Answered, ControlRequest

KIND = ("lengths", "fast", "a", "model")


def carried(news: list[Experience]) -> list[Experience]:
    """Return news as they come out of the socket."""
    return msgspec.json.decode(msgspec.json.encode(news), type=list[Experience])


def test_lengths_that_one_worker_learns_another_knows() -> None:
    """News are added; all that is known is taken over by whoever knows less, and never added."""
    one, other = Notebook(), Notebook()
    mine, theirs = KnownOutputs("lengths", one), KnownOutputs("lengths", other)
    for tokens in (10, 20, 30):
        mine.learn(KIND, tokens)
    theirs.learn(KIND, 10)
    (news,) = carried(list(one.take()))

    other.hear(news)
    other.hear(msgspec.structs.replace(news, whole=True))

    assert theirs.of(KIND).calls == 4
    assert theirs.of(KIND).quantile(99) == mine.of(KIND).quantile(99)
    fresh = Notebook()
    known = KnownOutputs("lengths", fresh)
    for _ in range(2):
        fresh.hear(msgspec.structs.replace(news, whole=True))
    assert known.of(KIND).calls == 3
    assert list(one.take()) == []


def test_the_pace_that_one_worker_measures_another_knows() -> None:
    """Sums that need more than 64 bits come over whole."""
    notebook = Notebook()
    pace, other = Pace(lambda part, *seen: notebook.fade((part, "a"), *seen)), Pace()
    for number in range(1_000):
        pace.written(4_000, 1_000_000, number)
        pace.first_byte(250_000, number)
        pace.tried(number, failed=number % 4 == 0)
    hearing = Notebook()
    for part in PARTS:
        hearing.faded(part, lambda key, faded, whole: other.hear(key[0], faded, whole=whole))

    for news in carried(list(notebook.take())):
        hearing.hear(news)

    assert other.tokens_per_s_milli(1_000) == 4_000_000
    assert (other.ttft_ms(1_000), other.failed_ppm(1_000)) == (250, 250_000)


def test_news_are_bounded() -> None:
    """While nobody listens it does not grow; what is news already may still change."""
    notebook = Notebook()
    notebook.counts("a", lambda *_: None, 100)

    for name in (*map(str, range(NEWS_MAX + 1)), "0"):
        notebook.count(("a", name), 1)
        notebook.fade(("a", name), 1_000, 1, 1, 0)
        notebook.note(("a", name), 1, (name,))

    told = list(notebook.take())
    names = [str(number) for number in range(NEWS_MAX)]
    assert [row.key[1] for each in told for row in each.counts] == names
    assert [row.key[1] for each in told for row in each.faded] == names
    assert [row.key[1] for each in told for row in each.latest] == names
    assert told[0].counts[0].numbers == {1: 2}
    assert all(len(each.latest) <= ROWS_MAX for each in told)


def test_what_is_news_here_is_not_overwritten_by_what_was_before() -> None:
    """A whole that was told while something changed here is older; what is newer is heard."""
    notebook, heard = Notebook(), []
    notebook.latest("skip", lambda *row: heard.append(row[1:]))
    notebook.note(("skip", "alice", "1"), 5, (1,))

    for at_ns in (4, 6):
        row = LatestRow(("skip", "alice", "1"), at_ns, (0,))
        notebook.hear(Experience(notebook.hashes, whole=True, latest=(row,)))

    assert heard == [(6, (0,))]


def test_what_was_hashed_by_another_key_is_not_heard() -> None:
    """It would be found by nobody, or by the wrong one; nor is what nobody here learns."""
    notebook, heard = Notebook(), []
    notebook.latest("session", lambda *row: heard.append(row))
    row = LatestRow(("session", "alice", "1"), 1, ("a",))

    notebook.hear(Experience(notebook.hashes + 1, latest=(row,)))
    notebook.hear(Experience(notebook.hashes, latest=(LatestRow(("other",), 1, ()), row)))

    assert heard == [(row.key, row.at_ns, row.value)]


ODD: list[tuple[tuple[str, ...], Value]] = [
    ((), ()),
    (("run", "alice"), (1, 0, 0, 0, 0)),
    (("run", "alice", "trip", "worker-1"), (1,)),
    (("run", "alice", "trip", "worker-1"), ("many", 0, 0, 0, 0)),
    (("run.anew", "alice"), ()),
]


def test_what_another_release_means_otherwise_is_not_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said, once for a message, and what is told beside it is known."""
    notebook = Notebook()
    Guards(RunLimits(calls_max=1), Nobody(), notebook, "worker-0")
    known = KnownOutputs("lengths", notebook)
    latest = tuple(LatestRow(key, 1, value) for key, value in ODD)
    counts = CountRow((), 100, {1: 1}), CountRow(KIND, 100, {15: 2})

    with caplog.at_level(logging.WARNING):
        notebook.hear(Experience(notebook.hashes, counts=counts, latest=latest))

    assert known.of(KIND).calls == 2
    (said,) = caplog.messages
    assert said.startswith(f"{len(ODD) + 1} things")


class Nobody:
    """A steward that hears nothing."""

    def send(self, _request: ControlRequest, _answered: Answered) -> bool:
        """Say that nobody is there."""
        return False
