"""Outcomes joined to what the books say: what a result cost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from headgate.insights import hooked
from headgate.insights.outcomes import Outcome, Results, makers, outcome, results, tell, tell_made
from headgate.records.control import OutcomeKind
from headgate.store.migrate import open_store
from tests.conftest import NOON_NS

CALL = Outcome("alice", "research", "call", "call_a", NOON_NS, success=True, task="summary")
RUN = Outcome(
    "alice", "research", "run", "r42", NOON_NS, success=False, human_seconds=120, task="ticket"
)


@pytest.fixture
def connection(books: Path) -> Iterator[Connection]:
    """The store of the books, in a transaction that is never committed."""
    engine = open_store(books / "data")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def posted(connection: Connection, where: str) -> int:
    """Return what the attempts of a call or a run were posted at, by SQL of our own."""
    amount = connection.exec_driver_sql(
        "SELECT sum(posted_nanos) FROM attempt JOIN caller ON caller.id = attempt.caller WHERE "
        + where
    ).scalar_one()
    return int(amount)


def test_a_result_costs_what_its_calls_cost(connection: Connection) -> None:
    """A call its attempts, a run all of its calls; failures have no cost of a success."""
    assert tell(connection, CALL)
    assert tell(connection, RUN)

    by_task = {sums.name: sums for sums in results(connection, "task")}

    of_call = posted(connection, "attempt.attempt > 'call_a.' AND attempt.attempt < 'call_a/'")
    of_run = posted(connection, "caller.run = 'r42'")
    assert of_call > 0
    assert of_run > 0
    assert by_task["summary"] == Results("summary", 1, 1, of_call)
    assert by_task["summary"].per_success_nanos == of_call
    assert by_task["ticket"] == Results("ticket", 1, 0, of_run, 120)
    assert by_task["ticket"].per_success_nanos is None


def test_what_failed_is_paid_by_what_succeeded(connection: Connection) -> None:
    """Cost of a success counts every attempt, rounded up."""
    tell(connection, CALL._replace(task="x"))
    tell(connection, RUN._replace(task="x"))

    (sums,) = results(connection, "task")

    assert (sums.outcomes, sums.successes) == (2, 1)
    assert sums.per_success_nanos == sums.spend_nanos


def test_the_last_word_counts(connection: Connection) -> None:
    """Told again, an outcome takes the place of the first; nothing counts twice."""
    tell(connection, RUN)
    tell(connection, RUN._replace(success=True, value_nanos=5))

    (sums,) = results(connection, "kind")

    assert (sums.name, sums.outcomes, sums.successes, sums.value_nanos) == ("run", 1, 1, 5)


def test_what_comes_back_is_counted_once_each_time(connection: Connection) -> None:
    """A success that is told to be none came back; told again, or failed at first, it did not."""
    course = (False, True, True, False, False, True, False)
    counts = []
    for at_ns, success in enumerate(course, NOON_NS):
        ending = RUN._replace(success=success, at_ns=at_ns)
        tell(connection, ending) if at_ns % 2 else tell_made(connection, ending)
        counts += [sums.reopened for sums in results(connection, "task")]

    assert counts == [0, 0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    "foreign",
    [
        CALL._replace(principal="bob"),
        CALL._replace(subject="call_"),
        CALL._replace(subject="call_nowhere"),
        CALL._replace(kind="run"),
        RUN._replace(principal="bob"),
        RUN._replace(subject="r4"),
    ],
)
def test_only_ones_own_can_be_told(connection: Connection, foreign: Outcome) -> None:
    """Others' calls and runs, and what does not exist, are not known."""
    assert not tell(connection, foreign)
    assert results(connection, "task") == []


def test_by_model_and_since(connection: Connection) -> None:
    """A subject counts for the model most of its money went to; older outcomes are left out."""
    tell(connection, CALL)

    (sums,) = results(connection, "model", NOON_NS)

    assert sums.name is not None
    assert results(connection, "model", NOON_NS + 1) == []


@pytest.mark.parametrize(("kind", "subject"), [("call", "call_a"), ("run", "r42")])
def test_makers_are_found_by_what_they_made(
    connection: Connection, kind: OutcomeKind, subject: str
) -> None:
    """Of one principal, or of all of some teams; nobody made what never was."""
    alice = [("alice", "research")]

    assert makers(connection, kind, subject, "alice", ()) == alice
    assert makers(connection, kind, subject, None, ("sales", "research")) == alice
    assert makers(connection, kind, subject, "bob", ("research",)) == []
    assert makers(connection, kind, subject, None, ("sales",)) == []
    assert makers(connection, kind, "nowhere", "alice", ()) == []


def test_what_a_tracker_does_not_say_stays(connection: Connection) -> None:
    """It knows the end, and not what its principal has told beside."""
    tell(connection, RUN._replace(value_nanos=5))

    tell_made(connection, Outcome("alice", "research", "run", "r42", NOON_NS + 1, success=True))

    row = connection.execute(select(outcome)).one()
    assert (row.success, row.at_ns) == (True, NOON_NS + 1)
    assert (row.value_nanos, row.human_seconds, row.task) == (5, 120, "ticket")


def test_a_message_is_known_by_any_of_its_marks_for_a_month(connection: Connection) -> None:
    """Of its own hook alone."""
    later_ns = NOON_NS + hooked.KEPT_NS

    hooked.note(connection, "code", ("a", "b"), NOON_NS)
    hooked.note(connection, "code", ("b", "c"), later_ns)
    known = [hooked.is_known(connection, "code", (mark, "x")) for mark in "abc"]
    hooked.note(connection, "other", ("d",), later_ns + 1)

    assert known == [True, True, True]
    assert not hooked.is_known(connection, "other", ("a",))
    assert [hooked.is_known(connection, "code", (mark,)) for mark in "abc"] == [False, False, True]
