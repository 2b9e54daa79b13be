"""Where a conversation stands: what the user said last, and how often tools have answered since."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class Who(Enum):
    """Whose word a piece of a conversation is."""

    USER = auto()
    MODEL = auto()
    CALL = auto()
    RESULT = auto()
    FAILED = auto()
    """A result that says of itself that it is an error; only Anthropic's can."""


_RESULTS = (Who.RESULT, Who.FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands.

    Attributes:
        text: What the user said since the model last ended a turn of its own accord.
        rounds: How often results of tools came since; results that came together are one round.
        failed: How many of those rounds were errors.
    """

    text: str
    rounds: int
    failed: int = 0


def standing(pieces: Iterable[tuple[Who, str]]) -> Standing:
    """Read a conversation from its begin; the text of a piece matters if it is the user's.

    An answer that is followed by nothing of the user is one to go on with, and ends no turn.
    """
    texts: list[str] = []
    rounds = failed = 0
    answered = False
    before: Who | None = None
    for who, text in pieces:
        if who is Who.USER:
            if answered:
                texts, rounds, failed = [], 0, 0
            texts.append(text)
        elif who in _RESULTS and before not in _RESULTS:
            rounds += 1
            failed += who is Who.FAILED
        answered = who is Who.MODEL
        before = who
    return Standing("\n".join(texts), rounds, failed)
