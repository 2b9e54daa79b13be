"""Answering control requests: at once, or when money that lies idle at workers has come back."""

import asyncio
from collections.abc import Callable, Sequence

from headgate.node.control.registry import Desk, answers
from headgate.node.lending import Lending
from headgate.node.messages import AnswerControl, AskControl, Message


class Answering:
    """Has control requests answered.

    Args:
        desk: Returns what there is to answer with now.
        lending: Recalls money.
        tell: Sends a message to a worker, if it is connected.
        fail: Ends the process: what is asked cannot be answered.
    """

    def __init__(
        self,
        desk: Callable[[], Desk],
        lending: Lending,
        tell: Callable[[str, Message], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._desk = desk
        self._lending = lending
        self._tell = tell
        self._fail = fail
        self._answers = answers()
        self._later: set[asyncio.Task[None]] = set()

    def answer(self, message: AskControl, journal: str) -> AnswerControl | None:
        """Return the answer; None when it is told later, after a recall."""
        answer, lacking = self._answer(message)
        self._lending.call_in()
        if not lacking:
            return answer
        task = asyncio.create_task(self._again(message, journal, lacking))
        self._later.add(task)
        task.add_done_callback(self._ended)
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._later.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._fail(error)

    def _answer(self, message: AskControl) -> tuple[AnswerControl, list[str]]:
        desk = self._desk()
        reply = self._answers[message.request.resource](message.request, desk)
        return AnswerControl(message.number, reply), desk.lacking

    async def _again(self, message: AskControl, journal: str, lacking: Sequence[str]) -> None:
        await self._lending.gather(lacking)
        answer, _ = self._answer(message)
        self._tell(journal, answer)
