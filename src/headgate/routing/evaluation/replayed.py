"""Replaying a session call by call: which model serves each, what that costs, what becomes of it.

Nobody recorded what would have happened after a switch, so the worst is assumed: whoever takes a
task over begins it anew, with all that was said before as ballast, and pays for its way in. A
task is solved when the model that ends it solved it in the evidence.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from headgate.catalog.rates import RateCard
from headgate.routing.evaluation.till import Shape, Till
from headgate.routing.sessions.offers import ORIENTATION_CALLS, Offer, Progress
from headgate.routing.sessions.signs import Record, hard_milli, signs
from headgate.routing.sessions.switching import Setting, Verdict, decide


class Task(NamedTuple):
    """One task as the evidence has it, by model.

    Attributes:
        pause_s: How long the user waited before it.
        calls: How many calls it took.
        solved: Whether it was solved; a share within 0 and 1 counts as one.
        accepted: Whether whoever looks at the result accepts it; empty when nobody looks.
    """

    pause_s: int
    calls: Mapping[str, int]
    solved: Mapping[str, float]
    accepted: Mapping[str, bool]


class Moment(NamedTuple):
    """A session when its next call is about to be made.

    Attributes:
        serving: The model that served it last, None at its start.
        home: The one that served it first.
        done: How many calls of the task that one has made.
        fresh: Whether a task begins.
        rejections: How often its result was rejected.
    """

    serving: str | None
    home: str | None
    done: int
    fresh: bool
    rejections: int


class Chooser(Protocol):
    """Chooses the model of each call."""

    def choose(self, moment: Moment, prompt_tokens: int, at_s: int, till: Till, /) -> Verdict | str:
        """Return the model, or a verdict that names it."""


class Fixed:
    """One model for everything."""

    def __init__(self, model: str) -> None:
        self._model = model

    def choose(self, _moment: Moment, _prompt_tokens: int, _at_s: int, _till: Till) -> str:
        """Return the model."""
        return self._model


class Known(NamedTuple):
    """What a session policy knows of a model beforehand.

    Attributes:
        quality_milli: Log-odds that it solves a task, in thousandths.
        calls: How many calls half its tasks do not exceed.
        calls_usual: How many nine in ten do not exceed.
        doubt_ppm: One standard error of how often it solves a task, in millionths.
    """

    quality_milli: int
    calls: int
    calls_usual: int
    doubt_ppm: int


class BySession:
    """The policy `session`, which decides as it does for real calls.

    Args:
        known: By model.
        setting: What the configuration says.
    """

    def __init__(self, known: Mapping[str, Known], setting: Setting) -> None:
        self._known = known
        self._setting = setting

    def choose(self, moment: Moment, prompt_tokens: int, at_s: int, till: Till) -> Verdict:
        """Return the verdict on a session's next call."""
        offers = [
            Offer(
                model,
                till.now_nanos(model, prompt_tokens, at_s),
                till.steady_nanos(model, prompt_tokens),
                0,
                each.quality_milli,
                each.calls,
                each.doubt_ppm,
            )
            for model, each in self._known.items()
        ]
        usual = self._known[moment.serving].calls_usual if moment.serving else 0
        record = Record(moment.rejections, moment.done, usual)
        found = signs((), record)
        against, hard = sum(found.values()), hard_milli(found)
        progress = Progress(
            moment.serving, moment.home, moment.done, against, hard, fresh=moment.fresh
        )
        return decide(offers, progress, self._setting)


class Replayed(NamedTuple):
    """What became of a session.

    Attributes:
        nanos: What its calls cost.
        solved: How many of its tasks were solved.
        switches: How often the model changed.
        gains_nanos: What each of those switches was expected to gain; None where nothing was
            computed.
    """

    nanos: int
    solved: float
    switches: int
    gains_nanos: tuple[int | None, ...]


def replay(
    tasks: Sequence[Task], chooser: Chooser, cards: Mapping[str, RateCard], shape: Shape
) -> Replayed:
    """Replay a session.

    Args:
        tasks: One after another.
        chooser: Chooses the model of each call.
        cards: The prices by model.
        shape: What calls look like.
    """
    session = _Session(chooser, Till(cards, shape), shape)
    for task in tasks:
        session.do(task)
    return Replayed(session.nanos, session.solved, len(session.gains), tuple(session.gains))


class _Session:
    def __init__(self, chooser: Chooser, till: Till, shape: Shape) -> None:
        self._chooser, self._till, self._shape = chooser, till, shape
        self._serving: str | None = None
        self._home: str | None = None
        self._prompt_tokens, self._at_s = shape.first_tokens, 0
        self.nanos, self.solved = 0, 0.0
        self.gains: list[int | None] = []

    def do(self, task: Task) -> None:
        """Do a task until it ends with whoever serves it then."""
        self._at_s += task.pause_s
        fresh, done, left, rejections = True, 0, 0, 0
        while True:
            moment = Moment(self._serving, self._home, done, fresh, rejections)
            model = self._choose(moment)
            if model != self._serving or fresh:
                found = ORIENTATION_CALLS if self._serving not in (None, model) else 0
                done, left, rejections = 0, task.calls[model] + found, 0
            elif not left:
                # Its result was rejected, and nobody else takes over.
                break
            self._serving, self._home, fresh = model, self._home or model, False
            self._call(model)
            done, left = done + 1, left - 1
            if not left:
                if task.accepted.get(model, True):
                    break
                rejections += 1
        assert self._serving is not None
        self.solved += task.solved[self._serving]

    def _choose(self, moment: Moment) -> str:
        verdict = self._chooser.choose(moment, self._prompt_tokens, self._at_s, self._till)
        model, gain = (verdict, None) if isinstance(verdict, str) else _told(verdict)
        if moment.serving not in (None, model):
            self.gains.append(gain)
        return model

    def _call(self, model: str) -> None:
        shape = self._shape
        self.nanos += self._till.charge(model, self._prompt_tokens, self._at_s)
        self._prompt_tokens += shape.step_tokens + shape.output_tokens
        self._at_s += shape.call_s


def _told(verdict: Verdict) -> tuple[str, int | None]:
    return verdict.chosen, verdict.gain_nanos
