"""What callers took, counted by several workers: all know of it, and nobody counts it twice."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.minutes import Limit, MinuteBook
from headgate.identity.settings import PerMinute
from headgate.records.minutes import Taking

LIMIT = 100
RATES = {"team:lab": PerMinute(None, LIMIT)}
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["take", "back", "tell", "hear"])), max_size=80
)


def only(book: MinuteBook) -> Limit:
    """Return the only limit of a book."""
    (limit,) = book.of(["team:lab"])
    return limit


class Worker:
    """A worker's book, and what is on its way to it."""

    def __init__(self) -> None:
        self.book = MinuteBook(RATES)
        self.inbox: deque[tuple[Taking, ...]] = deque()
        self.taken: list[int] = []

    def take(self) -> int:
        """Take ten units if they are there, as far as is known here; how many that is."""
        limit = only(self.book)
        if limit.bucket.wait_ns(10, 0) != 0:
            return 0
        self.taken.append(self.book.take(limit, 10, 0))
        return 10

    def give_back(self) -> int:
        """Give three units of a take back; how many that is."""
        if not self.taken:
            return 0
        before = only(self.book).bucket.lacks(0)
        self.book.give_back(only(self.book), self.taken.pop(), 3, 0)
        return before - only(self.book).bucket.lacks(0)

    def hear(self) -> None:
        """Hear all that was told."""
        while self.inbox:
            self.book.hear(self.inbox.popleft(), 0)


class Node:
    """Workers who tell each other, at an instant that does not go by."""

    def __init__(self) -> None:
        self.workers = [Worker() for _ in range(3)]
        self.lacks = 0

    def step(self, at: int, what: str) -> None:
        """Have a worker do something."""
        worker = self.workers[at]
        if what == "take":
            self.lacks += worker.take()
        elif what == "back":
            self.lacks -= worker.give_back()
        elif what == "tell":
            news = worker.book.news()
            worker.book.told()
            for other in self.workers:
                if other is not worker:
                    other.inbox.append(news)
        else:
            worker.hear()

    def tell_all(self) -> None:
        """Have everybody tell, and then hear, all there is."""
        for what in ("tell", "hear"):
            for at in range(len(self.workers)):
                self.step(at, what)


@given(STEPS)
def test_all_know_what_was_taken_once_all_was_told(steps: list[tuple[int, str]]) -> None:
    """In whatever order they heard of it; and what all took beyond the limit stays lacking."""
    node = Node()
    for step in steps:
        node.step(*step)
    node.tell_all()

    assert [only(each.book).bucket.lacks(0) for each in node.workers] == [node.lacks] * 3


@given(STEPS)
def test_workers_that_tell_at_once_take_no_more_than_there_is(steps: list[tuple[int, str]]) -> None:
    """Whoever takes: together it is one bucket."""
    node = Node()
    for step in steps:
        node.step(*step)
        node.tell_all()
        assert node.lacks <= LIMIT


def test_what_is_much_beside_what_is_left_is_told_at_once() -> None:
    """A few of many can wait for the next sweep; of the last ones each is news."""
    book = MinuteBook({"key:a": PerMinute(100)})
    (limit,) = book.of(["key:a"])
    hurries: list[int] = []
    book.hurry = lambda: hurries.append(limit.untold)

    for _ in range(100):
        book.take(limit, 1, 0)
        if hurries and hurries[-1] == limit.untold:
            book.told()

    assert hurries[0] == 6
    assert hurries[-10:] == [1] * 10


def test_a_book_takes_up_what_another_knows_of() -> None:
    """Beside what was not told yet, which the other cannot know of; and never twice."""
    old, new = MinuteBook(RATES), MinuteBook(RATES)
    old.take(only(old), 30, 0)
    old.told()
    new.take(only(new), 5, 0)

    for _ in range(2):
        new.take_up(old.lacking(0), 0)

    assert only(new).bucket.lacks(0) == 35
    assert new.lacking(0) == (Taking("team:lab", "tokens", 30),)


def test_what_is_limited_here_no_more_is_no_matter() -> None:
    """A worker of before a reload may still tell of it."""
    book = MinuteBook({})

    book.hear((Taking("key:gone", "requests", 5),), 0)
    book.take_up((Taking("key:gone", "tokens", 5),), 0)

    assert book.of(["key:gone"]) == ()
    assert book.lacking(0) == ()


def test_a_book_goes_by_other_limits_and_forgets_nothing() -> None:
    """Those that stay keep what was taken; those that go are gone, and new ones are full."""
    book = MinuteBook({"key:a": PerMinute(10, 1000), "key:b": PerMinute(5)})
    (requests, tokens), (gone,) = book.of(["key:a"]), book.of(["key:b"])
    for limit in (requests, tokens, gone):
        book.take(limit, 4, 0)

    book.adopt({"key:a": PerMinute(20, 1000), "key:c": PerMinute(7)}, 0)

    left = [(each.node, each.what, each.bucket.left(0)) for each in book.of(["key:a", "key:c"])]
    assert left == [("key:a", "requests", 16), ("key:a", "tokens", 996), ("key:c", "requests", 7)]
    assert book.of(["key:b"]) == ()
