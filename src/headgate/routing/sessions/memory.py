"""The sessions a worker knows: who serves each, how far its task is; bounded, the oldest go first.

A session whose calls meet several workers is known to each by the calls it saw, and by what the
others tell of theirs; what a request itself carries (its turns, errors and repeated calls) all can
read.
"""

from collections import OrderedDict
from typing import TypeVar

from headgate.ledger.outputs import Outputs

SESSIONS_MAX = 16_384
LANES_MAX = 4_096
THREADS_MAX = 16_384
REJECTED_MAX = 16
LEARNED_MIN = 8
"""So many tasks have to be over before what they took is gone by."""
USUAL_PERCENT = 50
NUMBERS = 7
"""So many numbers are told of a session."""

Key = tuple[str, int]
"""Whose session it is, and a hash of what tells it from others; nobody shares one with somebody
else."""
Told = tuple[str | int | None, ...]
_K = TypeVar("_K")
_V = TypeVar("_V")


class Session:
    """A session's work, as far as it is known here.

    Attributes:
        home: The deployment that served it first.
        serving: The one that served it last.
        calls: How many calls of its task that one has served.
        spent_nanos: What they cost.
        whole: Whether it has served the task from its start.
        began_turn: How many turns it had when who serves it began.
        rejected: Its calls since then whose results were found wrong.
        task: A hash of what its client calls the task, None when it does not say.
        warm_until_ns: When the prefix it left is no longer kept.
        tools: Whether its calls offered tools.
        switches: How often it moved.
        at_ns: When the call was sent that is the last one known; 0 for none.
    """

    __slots__ = (
        "at_ns",
        "began_turn",
        "calls",
        "home",
        "rejected",
        "serving",
        "spent_nanos",
        "switches",
        "task",
        "tools",
        "warm_until_ns",
        "whole",
    )

    def __init__(self) -> None:
        self.home: str | None = None
        self.serving: str | None = None
        self.whole = True
        self.calls = self.spent_nanos = self.began_turn = 0
        self.warm_until_ns = self.switches = self.at_ns = 0
        self.rejected: set[str] = set()
        self.task: int | None = None
        self.tools = False

    def judge(self, call: str, *, good: bool) -> None:
        """Note what was found of a result of its."""
        if good:
            self.rejected.discard(call)
        elif len(self.rejected) < REJECTED_MAX:
            self.rejected.add(call)

    def begin_task(self, task: int | None) -> None:
        """Forget how far the last task was."""
        self.calls = self.spent_nanos = 0
        self.rejected = set()
        self.whole = True
        self.task = task

    def serve(self, by: str, turns: int, spent_nanos: int) -> None:
        """Note that a call was served.

        Args:
            by: The deployment.
            turns: How many turns of the model its request held.
            spent_nanos: What it cost.
        """
        self.home = self.home or by
        if by != self.serving:
            self.switches += self.serving is not None
            self.whole = not self.calls
            self.serving, self.began_turn = by, turns
            self.calls = self.spent_nanos = 0
            self.rejected = set()
        self.calls += 1
        self.spent_nanos += spent_nanos

    def told(self) -> Told:
        """Return it as other workers are told of it, but for the instant."""
        rejected = " ".join(sorted(self.rejected))
        return (
            *(self.home, self.serving, self.task, rejected, int(self.whole), int(self.tools)),
            *(self.calls, self.spent_nanos, self.began_turn, self.warm_until_ns, self.switches),
        )

    def take(self, told: Told) -> bool:
        """Become what another worker knows; False when it tells something else."""
        match told:
            case (
                str() as home,
                str() as serving,
                int() | None as task,
                str() as rejected,
                *numbers,
            ) if len(numbers) == NUMBERS and all(isinstance(each, int) for each in numbers):
                self.home, self.serving, self.task = home, serving, task
                self.rejected = set(rejected.split())
                whole, tools, *rest = (int(each or 0) for each in numbers)
                self.whole, self.tools = bool(whole), bool(tools)
                self.calls, self.spent_nanos, self.began_turn = rest[:3]
                self.warm_until_ns, self.switches = rest[3:]
                return True
        return False


class Lane:
    """What tasks take at one deployment of one alias: calls, and money."""

    __slots__ = ("calls", "nanos")

    def __init__(self) -> None:
        self.calls, self.nanos = Outputs(), Outputs()

    def calls_of(self, percent: int) -> int:
        """Return how many calls so many of a hundred tasks did not exceed; 0 when unknown."""
        return self.calls.quantile(percent) if self.calls.calls >= LEARNED_MIN else 0

    def nanos_of(self, percent: int) -> int:
        """Return what so many of a hundred tasks did not exceed; 0 when unknown."""
        return self.nanos.quantile(percent) if self.nanos.calls >= LEARNED_MIN else 0


class Memory:
    """Sessions by key, replies that the provider holds by id, and what tasks took."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[Key, Session] = OrderedDict()
        self._threads: OrderedDict[str, Key] = OrderedDict()
        self._lanes: OrderedDict[tuple[str, str], Lane] = OrderedDict()
        self._tooled: OrderedDict[Key, bool] = OrderedDict()

    def get(self, key: Key) -> Session | None:
        """Return a session, None when it is new or was forgotten."""
        return self._sessions.get(key)

    def keep(self, key: Key, session: Session) -> None:
        """Remember a session."""
        _put(self._sessions, key, session, SESSIONS_MAX)

    def works_with_tools(self, circle: Key) -> bool:
        """Tell whether a client's work was seen to offer tools."""
        return circle in self._tooled

    def saw_tools(self, circle: Key) -> None:
        """Note that a client's work offers tools."""
        _put(self._tooled, circle, True, SESSIONS_MAX)

    def goes_on_from(self, reply: str) -> Key | None:
        """Return whose reply it was, None when nobody knows."""
        return self._threads.get(reply)

    def replied(self, reply: str, key: Key) -> None:
        """Remember whose reply it was."""
        _put(self._threads, reply, key, THREADS_MAX)

    def lane(self, alias: str, deployment: str) -> Lane:
        """Return what tasks took at a deployment."""
        lane = self._lanes.get((alias, deployment))
        if lane is None:
            lane = Lane()
            _put(self._lanes, (alias, deployment), lane, LANES_MAX)
        return lane

    def end_task(self, alias: str, session: Session) -> tuple[int, int] | None:
        """Learn what a task took that one deployment has served; returns calls and money.

        They are rounded as `Outputs` rounds; None where there is nothing to be learned.
        """
        if session.serving is None or not session.whole or not session.calls:
            return None
        lane = self.lane(alias, session.serving)
        return lane.calls.learn(session.calls), lane.nanos.learn(session.spent_nanos)


def _put(kept: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
