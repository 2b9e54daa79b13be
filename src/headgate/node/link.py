"""A worker's connection to the steward: kept up, and told of what holds now."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec
from msgspec.structs import astuple

from headgate.experience.rows import Experience
from headgate.ledger.allotments import Allotment
from headgate.ledger.line import Borrowing, Grant, Outcome
from headgate.node.messages import (
    AnswerControl,
    AskApproval,
    AskControl,
    Borrow,
    Carve,
    Crowd,
    Decided,
    GiveBack,
    Granted,
    HasPlaces,
    HasTaken,
    Heed,
    Hello,
    Learned,
    Lent,
    LetGo,
    Message,
    MovePlaces,
    Recall,
    SpendUntil,
    State,
    Took,
    Uncarved,
    Unwell,
    UseApproval,
    WantPlaces,
    pack,
)
from headgate.node.rows import AllotmentRow, GrantRow, NeedRow, UnwellRow
from headgate.node.unpacking import Unpacker
from headgate.records.approval import Asking, Told
from headgate.records.control import Answered, ControlRequest

RECONNECT_S = 0.1
BACKLOG_BYTES_MAX = 65_536
"""A steward that has so much to hear is told what can wait later."""
CONTROL_MAX = 1_024
"""Control requests that may wait for the steward at once."""


def _grants(rows: dict[str, GrantRow]) -> dict[str, Grant]:
    return {window: Grant(row.total_nanos, row.before_nanos) for window, row in rows.items()}


def _not_yet(_grants: dict[str, Grant], _outcomes: list[Outcome], _heard: bool) -> None:
    """Nobody listens yet."""


class StewardLink(asyncio.Protocol):
    """The worker's end of the steward's socket.

    Attributes:
        connected: Whether the steward answered since the last break.
        on_granted: Called with what was lent before, when the steward is met.
        on_lent: Called with what is lent now, which needs are decided, and whether that is the
            first answer to what was asked.
        on_recall: Called with windows; returns what lay idle there and is given back.
        on_state: Called with what is frozen and which keys are valid.
        on_heed: Called with deployments that another worker found to be unwell.
        on_places: Called with what the steward says of places.
        on_taken: Called with what the steward says of limits of a minute.
        on_uncarved: Called with an allotment's window that does not fit into one above it, that
            one, and what is left there.
        on_told: Called with what became of a request for approval.
        on_learned: Called with what was learned of models, as text.
        on_experience: Called with what other workers have learned.
        on_lost: Called when the connection breaks.
    """

    def __init__(self, path: Path, hello: Hello) -> None:
        self._path = path
        self._hello = hello
        self._transport: asyncio.Transport | None = None
        self._unpacker = Unpacker(lenient=True)
        self._number = 0
        self._epoch = -1
        self._told: dict[type, Message] = {}
        self._waiting: dict[int, Answered] = {}
        self._closing = False
        self._spend_until_ns: int | None = None
        self.connected = False
        self.on_granted: Callable[[dict[str, Grant]], None] = lambda _grants: None
        self.on_lent: Callable[[dict[str, Grant], list[Outcome], bool], None] = _not_yet
        self.on_recall: Callable[[Sequence[str]], dict[str, int]] = lambda _windows: {}
        self.on_state: Callable[[State], None] = lambda _state: None
        self.on_places: Callable[[MovePlaces], None] = lambda _message: None
        self.on_taken: Callable[[HasTaken | Took], None] = lambda _message: None
        self.on_heed: Callable[[Sequence[UnwellRow]], None] = lambda _rows: None
        self.on_uncarved: Callable[[str, str, int], None] = lambda _window, _above, _left: None
        self.on_told: Callable[[Told], None] = lambda _told: None
        self.on_learned: Callable[[str], None] = lambda _text: None
        self.on_experience: Callable[[Experience], None] = lambda _told: None
        self.on_lost: Callable[[], None] = lambda: None
        self.met = asyncio.Event()

    async def keep_up(self) -> None:
        """Connect, and connect again whenever the steward is back; ends with the link."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            if self._transport is None:
                try:
                    await loop.create_unix_connection(lambda: self, str(self._path))
                except OSError:
                    # No steward yet, or none now: the purse spends what it has meanwhile.
                    self._transport = None
            await asyncio.sleep(RECONNECT_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce this worker."""
        # uvloop has classes of its own that are not asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._unpacker = Unpacker(lenient=True)
        self._epoch = -1
        self._told = {}
        self._say(self._hello)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Everything that was asked will be asked again, or is refused in time."""
        self._transport = None
        self.connected = False
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered(None)
        self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Act on what the steward says."""
        try:
            messages = self._unpacker.feed(data)
        except (msgspec.MsgspecError, ValueError):
            # Another release's steward, perhaps: start over with a clean stream.
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            self._act(message)

    def _act(self, message: Message) -> None:
        if isinstance(message, Granted):
            self.connected = True
            self.met.set()
            self.on_granted(_grants(message.granted))
        elif isinstance(message, Lent):
            outcomes = [Outcome("", *astuple(row)) for row in message.outcomes]
            self.on_lent(_grants(message.granted), outcomes, message.heard)
        elif isinstance(message, Recall):
            self._say(GiveBack(self.on_recall(message.windows), message.number))
        elif isinstance(message, State) and message.epoch > self._epoch:
            self._epoch = message.epoch
            self.on_state(message)
        elif isinstance(message, HasTaken | Took):
            self.on_taken(message)
        else:
            self._hear(message)

    def _hear(self, message: Message) -> None:
        if isinstance(message, SpendUntil):
            self._spend_until_ns = message.monotonic_ns
        elif isinstance(message, Heed):
            self.on_heed(message.deployments)
        elif isinstance(message, MovePlaces):
            self.on_places(message)
        elif isinstance(message, Uncarved):
            self.on_uncarved(message.window, message.above, message.left_nanos)
        elif isinstance(message, Decided):
            self.on_told(message.told)
        elif isinstance(message, Learned):
            self.on_learned(message.text)
        elif isinstance(message, Experience):
            self.on_experience(message)
        elif isinstance(message, AnswerControl):
            answered = self._waiting.pop(message.number, None)
            if answered is not None:
                answered(message.reply)

    def _say(self, message: Message) -> None:
        assert self._transport is not None
        self._transport.write(pack(message))

    def ask(self, borrowing: Borrowing) -> bool:
        """Ask for money; False while there is no steward."""
        if self.connected:
            needs = tuple(NeedRow(*need) for need in borrowing.needs)
            wants, returned, debts = map(
                dict, (borrowing.wants, borrowing.returned, borrowing.debts)
            )
            self._say(Borrow(needs, wants, returned, debts, borrowing.heard))
        return self.connected

    def carve(self, allotments: Sequence[Allotment]) -> bool:
        """Ask for allotments; False while there is no steward."""
        if self.connected:
            self._say(Carve(tuple(AllotmentRow(*each) for each in allotments)))
        return self.connected

    def give_back(self, amounts: dict[str, int], done: Sequence[str] = ()) -> bool:
        """Return idle money, and say which windows' work is over; False while nobody hears it."""
        if self.connected and (amounts or done):
            self._say(GiveBack(amounts, done=tuple(done)))
        return self.connected

    def tell(self, message: Unwell | Crowd) -> None:
        """Tell how the deployments do, if that is news to this steward."""
        kind = type(message)
        if self.connected and message != self._told.get(kind, kind(())):
            self._told[kind] = message
            self._say(message)

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Send a client's control request; False when that is not possible now."""
        if not self.connected or len(self._waiting) >= CONTROL_MAX:
            return False
        self._number += 1
        self._waiting[self._number] = answered
        self._say(AskControl(self._number, request))
        return True

    def ask_approval(self, asking: Asking) -> bool:
        """Ask a person about a call; False while there is no steward."""
        return self._say_if_connected(AskApproval(asking))

    def use_approval(self, asking: Asking) -> bool:
        """Use up what was approved; False while there is no steward."""
        return self._say_if_connected(UseApproval(asking))

    def let_go(self, approval: str, *, withdrawn: bool) -> bool:
        """Wait for a request no more; False while there is no steward."""
        return self._say_if_connected(LetGo(approval, withdrawn))

    def say_places(self, message: HasPlaces | WantPlaces) -> bool:
        """Tell of places; False while there is no steward."""
        return self._say_if_connected(message)

    def say_taken(self, message: HasTaken | Took) -> bool:
        """Tell of limits of a minute; False while there is no steward."""
        return self._say_if_connected(message)

    def _say_if_connected(self, message: Message) -> bool:
        if self.connected:
            self._say(message)
        return self.connected

    @property
    def has_room(self) -> bool:
        """Whether the steward keeps up with what it is told, so that what can wait need not."""
        transport = self._transport
        if not self.connected or transport is None:
            return False
        return transport.get_write_buffer_size() < BACKLOG_BYTES_MAX

    def say_experience(self, told: Experience) -> bool:
        """Tell what this worker has learned; False while there is no steward."""
        return self._say_if_connected(told)

    def is_overdue(self, monotonic_ns: int) -> bool:
        """Tell whether this node was not heard of by its store for too long to go on spending."""
        return self._spend_until_ns is not None and monotonic_ns > self._spend_until_ns

    def start_over(self) -> None:
        """Hang up, to be told anew what holds; nothing is asked until then."""
        self.connected = False
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Say nothing more."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()
