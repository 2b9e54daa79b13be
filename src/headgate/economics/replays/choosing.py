"""Where past calls would have gone by another policy, and whether they were cached there."""

from collections import OrderedDict
from typing import NamedTuple

from headgate.economics.replays.load_served import Served
from headgate.routing.policies.registry import Chosen
from headgate.routing.replaying import Again, again_by

SESSIONS_KEPT = 100_000


class Choice(NamedTuple):
    """Where a call would have gone.

    Attributes:
        there: The deployment; its own where it stays.
        warm: Whether the prompt's prefix would have been cached there.
        made: The decision; None where its record is of another version or leaves nobody, so that
            the call stays.
    """

    there: str
    warm: bool
    made: Again | None


class Choosing:
    """A policy at past calls, in the order they were made; remembers where sessions are.

    A prompt is cached where the decision says so, or where the call before it in its session
    would have gone.
    """

    def __init__(self, policy: Chosen) -> None:
        self._policy = policy
        self._sessions: OrderedDict[str, str] = OrderedDict()

    def of(self, turn: int, call: Served) -> Choice:
        """Return where a call would have gone; `turn` is its number."""
        made = again_by(call.record, self._policy, unit=call.unit, turn=turn)
        ranked = (each for each in call.record.candidates if not each.excluded)
        if made is None or not all(each.place for each in ranked):
            made, there, warm = None, call.deployment, True
        else:
            there, warm = made.first.deployment, made.first.warm_nanos > 0
        if call.session is not None:
            warm = warm or self._sessions.pop(call.session, None) == there
            self._sessions[call.session] = there
            if len(self._sessions) > SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return Choice(there, warm, made)
