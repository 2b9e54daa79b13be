"""Two workers beside one: what a call costs the whole node, and so what two carry.

Worker, steward, upstream and load generator of two workers want more than two cores, so what is
compared is CPU time and not how much came through: with cores enough, two workers carry twice
what one does, less what a call costs them more.
"""

from collections.abc import Callable

from bench import asking, processes, rounds
from bench.asking import Audit
from bench.gateways import start_headgate

ONE_PORT, TWO_PORT = 9215, 9216
LOAD = rounds.Load("plain, two workers beside one", connections=128)


def compare(
    *, seconds: float, times: int, say: Callable[[str], object]
) -> tuple[rounds.Compared, Audit]:
    """Load a node with one worker and one with two in turn; the first one is the base.

    Returns the figures, and how the books of the second are.

    Args:
        seconds: Of each load.
        times: How many rounds.
        say: Told how far it is.
    """
    one = start_headgate(ONE_PORT, cores=processes.BOTH_CORES)
    try:
        two = start_headgate(TWO_PORT, workers=2, cores=processes.BOTH_CORES)
        try:
            found = rounds.compare(one, two, [LOAD], rounds=times, seconds=seconds, say=say)
            return found[0], asking.audit(two)
        finally:
            two.stop()
    finally:
        one.stop()


def sentence(found: rounds.Compared) -> str:
    """Return what it comes to."""
    return (
        f"Two workers on two cores: a call costs the whole node {found.whole_us:.1f} us, with one"
        f" worker {found.base_us:.1f}: {found.ratio:.2f} times as much (median of {found.rounds}"
        f" rounds). So where there are cores enough two carry {2 / found.ratio:.2f} times what one"
        " does."
    )
