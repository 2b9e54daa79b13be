"""What clients ask the steward, by turns: nobody who asks much keeps it from the others.

The steward answers one request after the other, and lends the money of everybody's calls between
them. Were all that one principal asks on their way at once, every call that needs money would wait
behind them, and be refused in the end. What it looks up has its own turns, and so has each kind of
thing that it changes: a run is not begun later for votes that come with calls. Within a kind all
goes in the order in which it came, once each; what waits was not sent, so who is told that there is
no steward may ask it again.
"""

from collections import deque
from typing import Final

from headgate.records.control import (
    MAKER,
    RESOURCES,
    RESPONSES,
    Answered,
    Control,
    ControlReply,
    ControlRequest,
)

AT_ONCE: Final = 2
"""So many requests of a kind of a principal are on their way at once; its others wait for them."""
WAITING_MAX: Final = 1_024
"""So many requests of a kind of a principal may wait."""

TURNS: Final = {**RESOURCES, RESPONSES: ("GET", MAKER)}
"""What takes turns, with its methods: what clients name, however the worker asks it for them."""

_Asked = tuple[ControlRequest, Answered]
_Turn = tuple[str, str]
"""A principal, and what is changed; nothing for what is looked up."""


class ByTurns:
    """Sends what clients ask a few at a time, and what workers ask for themselves at once.

    Args:
        control: Gets requests to the steward.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._asked: dict[_Turn, int] = {}
        self._waiting: dict[_Turn, deque[_Asked]] = {}

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Send a request, perhaps later; False when nobody can be asked, or too much waits."""
        if request.method not in TURNS.get(request.resource, ()):
            # By a method of its own: a worker that has a run frozen waits for nobody.
            return self._control.send(request, answered)
        turn = (request.principal, "" if request.method == "GET" else request.resource)
        if self._asked.get(turn, 0) < AT_ONCE:
            return self._ask(turn, (request, answered))
        waiting = self._waiting.setdefault(turn, deque())
        if len(waiting) >= WAITING_MAX:
            return False
        waiting.append((request, answered))
        return True

    def _ask(self, turn: _Turn, asked: _Asked) -> bool:
        request, answered = asked

        def over(reply: ControlReply | None) -> None:
            self._go_on(turn)
            answered(reply)

        sent = self._control.send(request, over)
        if sent:
            self._asked[turn] = self._asked.get(turn, 0) + 1
        return sent

    def _go_on(self, turn: _Turn) -> None:
        """One request is over: the next has its turn."""
        self._asked[turn] -= 1
        waiting = self._waiting.get(turn, ())
        while waiting and self._asked[turn] < AT_ONCE:
            asked = waiting.popleft()
            if not self._ask(turn, asked):
                asked[1](None)
        if not waiting:
            self._waiting.pop(turn, None)
        if not self._asked[turn]:
            del self._asked[turn]
