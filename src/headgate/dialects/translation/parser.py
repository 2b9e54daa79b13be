"""What the readers of requests have in common: where what has no place gathers."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from typing import ClassVar, TypeVar

from mypy_extensions import mypyc_attr

from headgate.dialects.translation.fields import Fields
from headgate.records.conversation import Call, Foreign, Loss, Turn

T = TypeVar("T")

Reading = Generator[None, None, Call]
"""Reads a request; it pauses between the turns of the conversation, for there may be many."""


def whole(reading: Generator[None, None, T]) -> T:
    """Return what a reading comes to, without a pause."""
    found: list[T] = []
    # To catch what ends a generator costs more, compiled, than a generator around it.
    for _ in _kept(reading, found):
        pass
    return found[0]


def _kept(reading: Generator[None, None, T], found: list[T]) -> Iterator[None]:
    found.append((yield from reading))


def paused(turns: Iterable[Turn]) -> Generator[None, None, tuple[Turn, ...]]:
    """Read turns with a pause behind each."""
    read: list[Turn] = []
    for turn in turns:
        read.append(turn)
        yield
    return tuple(read)


@mypyc_attr(allow_interpreted_subclasses=True)
class RequestParser(ABC):
    """Reads one request.

    Attributes:
        HINTS: Members without which the answer is still an answer.
        fields: The request's members.
        lost: What no place was found for.
        foreign: Features that no other dialect has.
    """

    HINTS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.lost: list[Loss] = []
        self.foreign: list[Foreign] = []

    @abstractmethod
    def reading(self) -> Reading:
        """Read the whole request."""

    def drop(self, fields: Fields) -> None:
        """Tell as lost what nobody has taken."""
        self.lost += fields.rest(self.HINTS)
