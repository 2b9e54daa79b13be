"""Attempts put together to the calls that they were of: who answered, and who was asked before."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from headgate.economics.replays.load_served import Served
from headgate.routing.policies import cascade


class Answered(NamedTuple):
    """A call.

    Attributes:
        answer: The attempt whose answer its client got.
        others: The other ones, in the order they were made: answers that nobody got, and judges.
    """

    answer: Served
    others: tuple[Served, ...] = ()

    @property
    def first(self) -> Served:
        """Whom it went to first."""
        return min((self.answer, *self.others), key=lambda each: (each.at_ns, each.attempt))


def answered(attempts: Iterable[Served]) -> Iterator[Answered]:
    """Yield calls in the order in which they ended, of attempts in the order they were made.

    A call's last attempt gave the answer, unless that was a judge's, who is in no chain: then it
    was the last before. A judge that is in the chain as well cannot be told from the step that it
    is. What lost to another attempt, that ran beside it, is left out: no policy has asked for it.
    Calls of which no end is known are taken to have ended with what there was, and come last.
    """
    running: dict[str, list[Served]] = {}
    over: set[str] = set()
    for each in attempts:
        call = each.attempt.rpartition(".")[0]
        if each.lost:
            if each.final and call not in running:
                over.add(call)
            elif each.final:
                yield _put_together(running.pop(call))
            continue
        made = [*running.pop(call, ()), each]
        if each.final or call in over:
            over.discard(call)
            yield _put_together(made)
        else:
            running[call] = made
    yield from map(_put_together, running.values())


def _put_together(made: list[Served]) -> Answered:
    answer = next((each for each in reversed(made) if not _judges(each)), made[-1])
    return Answered(answer, tuple(each for each in made if each is not answer))


def _judges(attempt: Served) -> bool:
    chain = cascade.chain_of(attempt.record.notes)
    return bool(chain) and attempt.deployment not in chain
