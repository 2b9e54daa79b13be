"""What a conversation shows against who serves it, and where its tasks end."""

from headgate.dialects.courses.course import Step
from headgate.routing.sessions.horizon import horizon_of, is_side
from headgate.routing.sessions.memory import LEARNED_MIN, Memory, Session
from headgate.routing.sessions.signs import Record, ends_task, hard_milli, signs

SAID, ANSWERED = Step("said"), Step("answered")
WELL, FAILED = Step("returned"), Step("returned", failed=True)
NOTHING = Record()


def called(digest: int) -> Step:
    """Return a call of a tool."""
    return Step("called", digest=digest)


def test_errors_in_a_row_are_a_sign_and_a_good_result_ends_the_row() -> None:
    """Two are everyday work; more count, up to a bound."""
    assert signs([called(1), FAILED, called(2), FAILED], NOTHING) == {}
    three = signs([FAILED, called(1), FAILED, called(2), FAILED], NOTHING)
    assert three == {"tool_errors": 400}
    assert signs([FAILED] * 9, NOTHING) == {"tool_errors": 1_200}
    assert signs([FAILED, FAILED, FAILED, WELL], NOTHING) == {}


def test_the_same_call_again_and_again_is_a_loop() -> None:
    """Calls with other arguments are none, and what was before the user spoke does not count."""
    assert signs([called(7), WELL] * 3, NOTHING) == {"loop": 500}
    assert signs([called(1), called(2), called(3)], NOTHING) == {}
    assert signs([called(7), WELL, called(7), WELL, SAID, called(7)], NOTHING) == {}


def test_an_overlong_task_says_as_much_of_the_task_as_of_who_does_it() -> None:
    """Calls and cost beyond what nine in ten take are one sign, and all of it is the task's."""
    found = signs([], Record(calls=50, calls_usual=40, spent_nanos=9, spent_usual_nanos=5))

    assert found == {"calls": 700}
    assert hard_milli(found) == 700
    assert hard_milli({"tool_errors": 400, "rejected": 2_000}) == 1_400
    assert signs([], Record(calls=50, spent_nanos=9)) == {}


def test_a_task_ends_where_the_user_speaks_after_an_answer() -> None:
    """A word amid the work, or the first of all, ends none."""
    assert ends_task([SAID, called(1), WELL, ANSWERED, SAID])
    assert not ends_task([SAID])
    assert not ends_task([SAID, called(1), WELL, SAID])
    assert not ends_task([SAID, ANSWERED, SAID, called(1), WELL])


def test_a_horizon_is_as_told_or_as_it_looks() -> None:
    """What the client says goes before what its requests look like."""
    assert horizon_of("long", tools=False, turns=0) == "long"
    assert horizon_of(None, tools=False, turns=0) == "interactive"
    assert horizon_of("whatever", tools=True, turns=3) == "bounded"
    assert horizon_of(None, tools=True, turns=40) == "long"


def test_a_call_beside_the_work_is_small_and_has_no_tools() -> None:
    """Only where the work was seen to have some: a plain chat is its own work."""
    assert is_side(tools=False, output_tokens_max=64, works_with_tools=True)
    assert not is_side(tools=False, output_tokens_max=64, works_with_tools=False)
    assert not is_side(tools=True, output_tokens_max=64, works_with_tools=True)
    assert not is_side(tools=False, output_tokens_max=None, works_with_tools=True)


def test_what_tasks_take_is_learned_from_those_that_one_served_alone() -> None:
    """A task that moved says nothing of either; before some are over nothing is known."""
    memory = Memory()
    for number in range(LEARNED_MIN):
        session = Session()
        for turn in range(10):
            session.serve("a", turn, 5)
        assert memory.lane("fast", "a").calls_of(50) == 0, number
        memory.end_task("fast", session)
    moved = Session()
    moved.serve("a", 1, 5)
    moved.serve("b", 2, 5)
    memory.end_task("fast", moved)

    assert memory.lane("fast", "a").calls_of(50) == 10
    assert memory.lane("fast", "a").nanos_of(90) == 51
    assert memory.lane("fast", "b").calls.calls == 0
    assert (moved.switches, moved.calls, moved.began_turn) == (1, 1, 2)
