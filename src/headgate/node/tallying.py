"""A worker's way to the process that counts tokens: started when it is needed, ended when idle."""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import NamedTuple

import msgspec

from headgate.counting.load_tokenizer import is_installed
from headgate.counting.tally import Tallied
from headgate.node.tally_process import Ask, Told

WAITING_MAX = 64
"""Requests that may wait to be counted; more are bounded by their bytes."""
ANSWER_S = 10.0
"""How long an answer may take, the first of a process with its start."""
IDLE_S = 600.0
"""How long the process stays when nobody asks it."""

_log = logging.getLogger(__name__)
_TOLD = msgspec.json.Decoder(Told)


class _Asked(NamedTuple):
    ask: Ask
    tallied: Tallied


class Tallying:
    """Has texts counted, one request after another, by a process of its own.

    Args:
        command: What starts it.
        idle_s: How long it stays when nobody asks.
    """

    def __init__(self, command: tuple[str, ...], idle_s: float = IDLE_S) -> None:
        self._command = command
        self._idle_s = idle_s
        self._waiting: asyncio.Queue[_Asked] = asyncio.Queue(WAITING_MAX)
        self._serving: asyncio.Task[None] | None = None

    def tally(
        self, tokenizers: tuple[str, ...], texts: tuple[str, ...], tallied: Tallied, /
    ) -> None:
        """Have texts counted by each of some tokenizers; None where that cannot be done now."""
        asked = _Asked(Ask(tokenizers, texts), tallied)
        try:
            self._waiting.put_nowait(asked)
        except asyncio.QueueFull:
            tallied(None)
            return
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """End the process; who waits is told that nothing was counted."""
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
        # One that was cancelled before its first step has told nobody.
        self._turn_away()

    async def _serve(self) -> None:
        """Answer requests as long as there are any, and the process does."""
        process: Process | None = None
        asked: _Asked | None = None
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
            while True:
                asked = await asyncio.wait_for(self._waiting.get(), self._idle_s)
                totals = await _answer(process, asked.ask)
                answered, asked = asked, None
                answered.tallied(totals)
        except TimeoutError:
            # Nobody has asked for long.
            pass
        except OSError as error:
            _log.warning("tokens cannot be counted: %s", error)
        finally:
            self._serving = None
            if asked is not None:
                asked.tallied(None)
            self._turn_away()
            if process is not None:
                await _end(process)

    def _turn_away(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait().tallied(None)


async def _answer(process: Process, ask: Ask) -> tuple[int, ...] | None:
    """Return what the process counts, None for texts that cannot be counted exactly.

    Raises:
        OSError: It does not answer, or not in time.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(ANSWER_S):
            process.stdin.write(msgspec.json.encode(ask) + b"\n")
            await process.stdin.drain()
            told = _TOLD.decode(await process.stdout.readline())
    except (TimeoutError, msgspec.DecodeError) as error:
        raise OSError("the process that counts does not answer") from error
    totals = [total for total in told.totals if total is not None]
    return tuple(totals) if len(totals) == len(ask.tokenizers) else None


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def tallying() -> Tallying | None:
    """Return what counts for a worker, None where no tokenizer is installed."""
    if not is_installed():
        return None
    return Tallying((sys.executable, "-m", "headgate.node.tally_process"))
