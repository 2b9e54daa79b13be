"""What experiments and shadows came to, from books of a worker's journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.insights.trials import trials
from headgate.records.journal import DecisionRecord
from tests.console.books import CANDIDATES, NOW_NS, Books


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Empty books."""
    made = Books(tmp_path)
    yield made
    made.close()


def noted(books: Books, deployment: str, **notes: str | int) -> None:
    """Write a call that was served by a deployment, and what was noted of its decision."""
    books.decisions += 1
    books.writer.append(
        DecisionRecord(books.decisions, NOW_NS, "fast", "trial", 1, 1, CANDIDATES, notes=notes)
    )
    hold = books.hold(decision=books.decisions, deployment=deployment)
    books.settle(hold, {"output_text": 100})


def test_attempts_are_summed_by_what_was_noted(books: Books) -> None:
    """Arms have their attempts and spend; a shadow has agreed where its choice has served."""
    noted(books, "gpt-5-5", split="careful", watched="claude-opus")
    noted(books, "claude-opus", split="cheapest", watched="claude-opus")
    noted(books, "gpt-5-5", split="cheapest", watched="gpt-5-5")
    books.settle(books.hold(decision=books.decide(NOW_NS, "fast", CANDIDATES)), {"output_text": 1})
    books.fold()

    with books.reading.connect() as connection:
        found = {(each.policy, each.noted): each for each in trials(connection, None)}
        later = trials(connection, NOW_NS + 1)

    assert later == ()
    assert found.keys() == {
        ("split", "careful"),
        ("split", "cheapest"),
        ("watched", "claude-opus"),
        ("watched", "gpt-5-5"),
    }
    cheapest = found["split", "cheapest"]
    assert (cheapest.attempts, cheapest.served) == (2, 2)
    assert cheapest.deployments == {"claude-opus": 1, "gpt-5-5": 1}
    assert cheapest.posted_nanos == 2 * found["split", "careful"].posted_nanos > 0
    shadow = found["watched", "claude-opus"]
    assert (shadow.attempts, shadow.same) == (2, 1)
