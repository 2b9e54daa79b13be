"""So much is remembered of conversations, and no more: of one, of a caller, of all together."""

import pytest

from headgate.dialects import body as bodies
from headgate.dialects.bones import BONES_BYTES_MIN
from headgate.dialects.conversations import (
    ALIKE_MAX,
    CALLER_MAX,
    CALLERS_MAX,
    OBJECT_WEIGHT,
    OBJECTS_MAX,
    WEIGHT,
    Conversations,
)
from headgate.dialects.long_body import KEYS_MAX
from headgate.dialects.opened import LARGE_BYTES
from headgate.records.demand import Demand
from tests.dialects.test_conversations import (
    AFTER,
    FIRST,
    TURN,
    assert_read_alike,
    chat,
    known,
    read,
    theirs,
    written,
)

HEAVY = WEIGHT + OBJECT_WEIGHT + len(b'{"content":[{"type":"text"} ]}')
LIGHT = OBJECT_WEIGHT + BONES_BYTES_MIN


def test_a_caller_has_many_conversations_and_nobody_elses() -> None:
    """Each is found again, the eldest of too many no more; what others send is not known."""
    everybody = Conversations(1)
    alice, bob = everybody.of("alice", "openai_chat"), everybody.of("bob", "openai_chat")
    turns = [[{"role": "user", "content": f"{n}"}] * 4 for n in range(CALLER_MAX + 1)]
    bodies = [written(chat(*each)) for each in turns]
    for body in bodies:
        read("openai_chat", body, alice)

    found = [known(read("openai_chat", body, alice)) for body in bodies[1:]]

    assert found == [5] * CALLER_MAX
    assert known(read("openai_chat", bodies[-1], bob)) == 0
    assert known(read("openai_chat", bodies[0], alice)) == 0


def test_only_so_many_conversations_are_hashed_to_find_one() -> None:
    """Whoever has sent many that end alike, and begin otherwise, has not each of them hashed."""
    caller = theirs()
    begun = written(chat(TURN, TURN, TURN))
    read("openai_chat", begun, caller)
    for number in range(ALIKE_MAX):
        read("openai_chat", begun.replace(b"what", b"%04d" % number, 1), caller)

    assert known(read("openai_chat", begun, caller)) == 0
    assert known(read("openai_chat", begun, caller)) == 4


def test_who_has_been_away_longest_is_forgotten_first() -> None:
    """So much is remembered, of all callers together; what grows counts once."""
    everybody = Conversations(1, weight_max=2 * HEAVY + 4 * LIGHT)
    alice, bob = (everybody.of(name, "openai_chat") for name in ("alice", "bob"))
    read("openai_chat", AFTER, alice)
    for count in (1, 2, 3):
        read("openai_chat", written(chat(*[TURN] * count)), bob)
    assert known(read("openai_chat", AFTER, everybody.of("alice", "openai_chat"))) == 2

    read("openai_chat", written(chat(*[TURN] * 4)), everybody.of("bob", "openai_chat"))

    assert known(read("openai_chat", written(chat(*[TURN] * 4)), bob)) == 5
    assert everybody.of("alice", "openai_chat") is not alice
    assert known(read("openai_chat", AFTER, everybody.of("alice", "openai_chat"))) == 0


def test_one_caller_has_room_for_so_much_and_leaves_the_others_theirs() -> None:
    """Whoever sends many heavy conversations loses the eldest of their own, and nobody else's."""
    everybody = Conversations(1)
    read("openai_chat", AFTER, everybody.of("alice", "openai_chat"))
    heavy = {"role": "user", "content": [{"x": 1}] * 50}
    begun = written(chat(*[heavy] * 140))
    sent = [begun.replace(b"what", b"%04d" % at, 1) for at in range(40)]
    bob = everybody.of("bob", "openai_chat")

    for body in sent:
        read("openai_chat", body, bob)

    assert known(read("openai_chat", AFTER, everybody.of("alice", "openai_chat"))) == 2
    assert known(read("openai_chat", sent[-1], everybody.of("bob", "openai_chat"))) == 141
    assert known(read("openai_chat", sent[0], everybody.of("bob", "openai_chat"))) == 0


def test_so_many_callers_are_remembered() -> None:
    """Whoever shows a token of an issuer is a caller, also one of whom nothing is kept."""
    everybody = Conversations(1)
    alice = everybody.of("alice", "openai_chat")
    read("openai_chat", AFTER, alice)
    for number in range(CALLERS_MAX - 1):
        everybody.of(f"{number}", "openai_chat")
    assert everybody.of("alice", "openai_chat") is alice

    for number in range(CALLERS_MAX):
        everybody.of(f"another {number}", "openai_chat")

    assert everybody.of("alice", "openai_chat") is not alice
    assert known(read("openai_chat", AFTER, alice)) == 0


def test_whoever_was_forgotten_while_a_large_body_was_read_weighs_nothing() -> None:
    """What is remembered then is nobody's, and takes no room from those who are still known."""
    everybody = Conversations(1, weight_max=2 * HEAVY)
    large = written(chat({"role": "user", "content": "w" * LARGE_BYTES}))
    found = read("openai_chat", large, everybody.of("alice", "openai_chat"))
    for name in ("bob", "carol"):
        read("openai_chat", AFTER, everybody.of(name, "openai_chat"))
    assert isinstance(found, Demand)

    bodies.remember(large, found.members)

    assert known(read("openai_chat", AFTER, everybody.of("carol", "openai_chat"))) == 2


def test_a_conversation_of_very_many_objects_is_not_remembered() -> None:
    """What is kept of one is bounded."""
    caller = theirs()
    pad = "w" * 1_100
    body = written(chat(*[{"role": "user", "content": pad}] * OBJECTS_MAX))

    assert known(read("openai_chat", body, caller)) == 0
    assert known(read("openai_chat", body, caller)) == 0


@pytest.mark.parametrize(("members", "objects"), [(KEYS_MAX, 2), (KEYS_MAX + 1, 0)])
def test_a_conversation_of_very_many_members_is_not_remembered(members: int, objects: int) -> None:
    """Each is compared where it stands, and nobody should wait for so many; it is read as ever."""
    caller = theirs()
    many = {f"{number:x}": 1 for number in range(members - len(FIRST["openai_chat"]))}
    body = written(chat(many))
    found = assert_read_alike("openai_chat", body, caller)
    assert isinstance(found, Demand)

    bodies.remember(body, found.members)

    assert known(assert_read_alike("openai_chat", body, caller)) == objects
