"""Places spread over workers: never more in use than there are, and none idle while calls wait."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.capacity.places import Places
from headgate.capacity.shares import Share, Waiter
from headgate.capacity.spread import Move, Spread

TEAM = "t"


class Worker:
    """A worker's places, its calls, and what is on its way to and from the steward."""

    def __init__(self, places: int) -> None:
        self.places = Places(places, 1_000)
        self.places.borrow(self.note)
        self.up: deque[tuple[int, int]] = deque()
        self.down: deque[Move] = deque()
        self.running: list[Share] = []

    def note(self) -> None:
        """Say what is wanted and given back."""
        self.up.append((self.places.wanted, self.places.surplus()))

    def call(self) -> None:
        """Begin a call, or let it wait."""
        share = self.places.take(1, TEAM)
        if share is not None:
            self.running.append(share)
        else:
            assert self.places.wait(1, TEAM, Waiter(self.resume, 0))

    def resume(self, share: Share | None) -> None:
        """A call that waited has its place."""
        assert share is not None
        self.running.append(share)

    def end(self) -> None:
        """End a call."""
        if self.running:
            self.places.give_back(self.running.pop(0), 1, 0)

    def hear(self) -> None:
        """Take up what the steward says."""
        move = self.down.popleft()
        if move.more:
            self.places.lend(move.more, 0)
        if move.keep is not None:
            self.places.keep(move.keep)
            self.note()


class Node:
    """A steward's spread, and workers."""

    def __init__(self, places: int, workers: int) -> None:
        self.spread = Spread(places)
        self.workers = {f"w{number}": Worker(places) for number in range(workers)}
        for name in self.workers:
            self.meet(name)

    def meet(self, name: str) -> None:
        """Let a worker say what it has."""
        self.spread.has(name, self.workers[name].places.lent)
        self.move()

    def move(self) -> None:
        """Move places, as after each message."""
        for move in self.spread.moves(self.workers.keys()):
            self.workers[move.worker].down.append(move)

    def hear(self, name: str) -> None:
        """Hear what a worker said first."""
        self.spread.hear(name, *self.workers[name].up.popleft())
        self.move()

    def settle(self) -> None:
        """Let everybody hear everything, and say what they want by now."""
        for _ in range(3):
            for each in self.workers.values():
                each.note()
            while any(each.up or each.down for each in self.workers.values()):
                for name, each in self.workers.items():
                    while each.up:
                        self.hear(name)
                    while each.down:
                        each.hear()

    def check(self) -> None:
        """See that no more is in use than there is."""
        used = sum(len(each.running) for each in self.workers.values())
        assert used == sum(each.places.taken for each in self.workers.values())
        assert used <= self.spread.places
        assert sum(self.spread.lent.values()) <= self.spread.places


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "call", "end", "up", "down", "sweep", "die", "restart"]),
        st.integers(0, 2),
    ),
    max_size=80,
)


@given(places=st.integers(1, 9), steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_no_more_is_used_than_there_is_and_no_call_waits_beside_a_free_place(
    places: int, steps: list[tuple[str, int]]
) -> None:
    """Whatever crosses what, whoever dies; once all is heard, places are idle or calls wait."""
    node = Node(places, 3)
    for step, number in steps:
        name = f"w{number}"
        worker = node.workers[name]
        if step == "call":
            worker.call()
        elif step == "end":
            worker.end()
        elif step == "up" and worker.up:
            node.hear(name)
        elif step == "down" and worker.down:
            worker.hear()
        elif step == "sweep":
            worker.note()
        elif step == "die":
            node.workers[name] = Worker(places)
            node.spread.forget_all_but(node.workers.keys() - {name})
            node.meet(name)
        elif step == "restart":
            # A new steward: what was on its way is lost, and each says what it has.
            node.spread = Spread(places)
            for each in node.workers.values():
                each.up.clear()
                each.down.clear()
            for each_name, each in node.workers.items():
                node.spread.has(each_name, each.places.lent)
        node.check()
    node.settle()
    node.check()
    used = sum(len(each.running) for each in node.workers.values())
    waiting = sum(each.places.waiting for each in node.workers.values())
    assert used == places or not waiting


def test_the_odd_place_goes_to_whoever_wants_more() -> None:
    """Who wants just the largest part leaves the odd one to who wants more than that."""
    node = Node(8, 3)
    for name in ("w0", "w1", "w0", "w1", "w1", "w1", "w2", "w0"):
        node.workers[name].call()

    node.settle()

    assert [len(each.running) for each in node.workers.values()] == [3, 4, 1]


def test_workers_with_calls_that_wait_have_equal_parts() -> None:
    """Who came first has all at first, and gives back its calls' places as they end."""
    node = Node(8, 2)
    first, second = node.workers.values()
    for _ in range(20):
        first.call()
    node.settle()
    assert len(first.running) == 8
    for _ in range(20):
        second.call()
    node.settle()
    assert second.running == []
    for _ in range(4):
        first.end()
        node.settle()

    assert (len(first.running), len(second.running)) == (4, 4)


def test_workers_take_turns_where_there_are_fewer_places() -> None:
    """A single place goes to and fro between two queues."""
    node = Node(1, 2)
    workers = list(node.workers.values())
    for worker in workers:
        for _ in range(4):
            worker.call()
    served = []
    for _ in range(8):
        node.settle()
        (at,) = [at for at, worker in enumerate(workers) if worker.running]
        served.append(at)
        workers[at].end()

    assert sorted(served) == [0] * 4 + [1] * 4
    assert served[:4] in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_a_lower_number_is_kept_as_calls_end() -> None:
    """When a deployment has fewer places than before, what is too much is given back."""
    node = Node(6, 2)
    for worker in node.workers.values():
        for _ in range(3):
            worker.call()
    node.settle()
    node.spread.places = 2
    node.move()
    for _ in range(3):
        for worker in node.workers.values():
            worker.end()
        node.settle()
    for worker in node.workers.values():
        for _ in range(5):
            worker.call()
    node.settle()

    assert sum(len(worker.running) for worker in node.workers.values()) == 2
