"""The histories of `test_lease_machine`, with calls that hold more while they run."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from headgate.ledger import slices
from headgate.ledger.purse import Short, Waiting
from headgate.ledger.slices import Slices
from tests.ledger.test_lease_machine import AMOUNTS, NAMES, Leases, Worker


class Extending(Leases):
    """All that may happen to leases, and extensions; every invariant holds as without them."""

    @rule(name=NAMES, more=AMOUNTS, data=st.data())
    def extend(self, name: str, more: int, data: st.DataObject) -> None:
        """A call that runs holds more, or waits for it while it runs on; it may end meanwhile."""
        worker = self.workers[name]
        if not worker.holds:
            return
        held = worker.holds[data.draw(st.integers(0, len(worker.holds) - 1))]
        path = held[0]

        def resume(short: Short | str | None) -> None:
            if short is None:
                self.grow(worker, held, more)

        if worker.purse.try_hold(path, more) is None:
            resume(None)
        else:
            worker.purse.wait(Waiting(path, more, resume, self.now_ms))

    def grow(self, worker: Worker, held: tuple[Slices, int], more: int) -> None:
        """Write an extension to the journal; free the money again when the call has ended."""
        at = next((at for at, each in enumerate(worker.holds) if each is held), None)
        if at is None:
            slices.void(held[0], more)
            return
        worker.holds[at] = (held[0], held[1] + more)
        worker.unfolded += [(piece.window, 0, more) for piece in held[0]]


TestExtending = Extending.TestCase
TestExtending.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
