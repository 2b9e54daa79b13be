"""What a long session was measured at: a bound for its own next call, and nobody else's."""

from headgate.gateway.prefixes import BLOCK_BYTES, PrefixMemory

BODY = b"x" * (3 * BLOCK_BYTES)


def test_a_longer_body_is_bounded_by_what_its_prefix_was_measured_at() -> None:
    """The tokens of the measured prompt, and one per byte of what is new."""
    memory = PrefixMemory()
    memory.learn(memory.marks("alice", "gpt", BODY), 1_000)

    bound = memory.bound(memory.marks("alice", "gpt", BODY + b"new"), len(BODY) + 3)

    assert bound is not None
    assert 1_000 + 3 <= bound <= 1_000 + 3 + 16


def test_another_prefix_is_not_bounded() -> None:
    """A body that differs in its first block has nothing in common with it."""
    memory = PrefixMemory()
    memory.learn(memory.marks("alice", "gpt", BODY), 1_000)

    assert memory.bound(memory.marks("alice", "gpt", b"y" + BODY[1:]), len(BODY)) is None
    assert memory.bound(memory.marks("alice", "opus", BODY), len(BODY)) is None


def test_what_one_principal_sent_tells_another_nothing() -> None:
    """The size of a hold is shown to the client, so it may not depend on other people's texts."""
    memory = PrefixMemory()
    memory.learn(memory.marks("alice", "gpt", BODY), 1_000)

    assert memory.bound(memory.marks("bob", "gpt", BODY), len(BODY)) is None


def test_an_edited_prompt_is_another_one() -> None:
    """How the provider cuts the prompt is part of the mark: what it cut was not measured."""
    memory = PrefixMemory()
    edited = BODY + b'"context_management":{"edits":[1]}'
    memory.learn(memory.marks("alice", "gpt", edited), 10)

    assert memory.bound(memory.marks("alice", "gpt", BODY), len(BODY)) is None
