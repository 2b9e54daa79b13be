"""What is dear is made once for a while."""

from headgate.console.memory import KEPT_MAX, Memory

SECOND = 1_000_000_000


def test_an_answer_is_kept_for_its_time() -> None:
    """Until then it is the same one; then it is made anew; without a time it always is."""
    memory, made = Memory(), iter(range(10))

    def make() -> int:
        return next(made)

    assert memory.get("a", 0, 10, make) == 0
    assert memory.get("a", 10 * SECOND - 1, 10, make) == 0
    assert memory.get("b", 1, 10, make) == 1
    assert memory.get("a", 10 * SECOND, 10, make) == 2
    assert memory.get("a", 10 * SECOND, 0, make) == 3


def test_memory_is_bounded() -> None:
    """Of many questions only the last ones are remembered."""
    memory = Memory()
    for number in range(KEPT_MAX + 1):
        memory.get(number, 0, 10, lambda: "old")

    assert memory.get(0, 0, 10, lambda: "new") == "new"
    assert memory.get(KEPT_MAX, 0, 10, lambda: "new") == "old"
