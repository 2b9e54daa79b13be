"""What clients look up at the steward, by turns: nobody who asks much keeps it from the others.

The steward answers one request after the other, and lends the money of everybody's calls between
them. Were all that one principal asks on their way at once, every call that needs money would wait
behind them, and be refused in the end.
"""

from collections import deque
from typing import Final

from headgate.records.control import RESOURCES, Answered, Control, ControlReply, ControlRequest

AT_ONCE: Final = 2
"""So many look-ups of a principal are on their way at once; its others wait for them."""
WAITING_MAX: Final = 1_024
"""So many look-ups of a principal may wait."""

_Look = tuple[ControlRequest, Answered]


class ByTurns:
    """Sends look-ups of each principal a few at a time, and everything else at once.

    Args:
        control: Gets requests to the steward.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._asked: dict[str, int] = {}
        self._waiting: dict[str, deque[_Look]] = {}

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Send a request, perhaps later; False when nobody can be asked, or too much waits."""
        if request.method != "GET" or request.resource not in RESOURCES:
            return self._control.send(request, answered)
        who = request.principal
        if self._asked.get(who, 0) < AT_ONCE:
            return self._ask(who, (request, answered))
        waiting = self._waiting.setdefault(who, deque())
        if len(waiting) >= WAITING_MAX:
            return False
        waiting.append((request, answered))
        return True

    def _ask(self, who: str, look: _Look) -> bool:
        request, answered = look

        def over(reply: ControlReply | None) -> None:
            self._go_on(who)
            answered(reply)

        sent = self._control.send(request, over)
        if sent:
            self._asked[who] = self._asked.get(who, 0) + 1
        return sent

    def _go_on(self, who: str) -> None:
        """One look-up is over: the next has its turn."""
        self._asked[who] -= 1
        waiting = self._waiting.get(who, ())
        while waiting and self._asked[who] < AT_ONCE:
            look = waiting.popleft()
            if not self._ask(who, look):
                look[1](None)
        if not waiting:
            self._waiting.pop(who, None)
        if not self._asked[who]:
            del self._asked[who]
