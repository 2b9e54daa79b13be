"""A worker's way to the process that counts tokens: started when it is needed, ended when idle."""

import asyncio
import logging
import socket
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple

import msgspec

from headgate.counting.load_tokenizer import is_installed
from headgate.counting.tally import Tallied
from headgate.node.tally_process import Ask, Told

WAITING_MAX = 64
"""Requests that may wait to be counted; more are bounded by their bytes."""
CHARACTERS_MAX = 16 << 20
"""How long their texts may be together, so that nobody fills the memory by asking and leaving."""
ANSWER_S = 30.0
"""How long an answer may take, the first of a process with its start."""
ANSWER_BYTES = 65_536
IDLE_S = 600.0
"""How long the process stays when nobody asks it."""

_log = logging.getLogger(__name__)
_TOLD = msgspec.json.Decoder(Told)


class _Asked(NamedTuple):
    ask: Ask
    tallied: Tallied
    characters: int


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
        self._characters = 0
        self._serving: asyncio.Task[None] | None = None

    def tally(
        self, tokenizers: tuple[str, ...], texts: tuple[str, ...], tallied: Tallied, /
    ) -> None:
        """Have texts counted by each of some tokenizers; None where that cannot be done now."""
        asked = _Asked(Ask(tokenizers, texts), tallied, sum(map(len, texts)))
        too_long = self._characters and self._characters + asked.characters > CHARACTERS_MAX
        if too_long or self._waiting.full():
            tallied(None)
            return
        self._waiting.put_nowait(asked)
        self._characters += asked.characters
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """End the process; who waits is told that nothing was counted."""
        self._turn_away()
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving

    async def _serve(self) -> None:
        """Answer requests as long as there are any, and the process does."""
        process: _Process | None = None
        asked: _Asked | None = None
        try:
            process = _Process(self._command)
            while True:
                # No `wait_for`: in Python 3.11 that may swallow the cancellation of `close`.
                async with asyncio.timeout(self._idle_s):
                    asked = await self._waiting.get()
                self._characters -= asked.characters
                totals = await process.answer(asked.ask)
                answered, asked = asked, None
                answered.tallied(totals)
        except TimeoutError:
            # Nobody has asked for long.
            pass
        except OSError as error:
            _log.warning("tokens cannot be counted: %s", error)
        finally:
            self._serving = None
            if process is not None:
                process.end()
            if asked is not None:
                asked.tallied(None)
            self._turn_away()

    def _turn_away(self) -> None:
        while not self._waiting.empty():
            asked = self._waiting.get_nowait()
            self._characters -= asked.characters
            asked.tallied(None)


class _Process:
    """The process, and the socket over which it is asked.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        end = theirs.fileno()
        try:
            self._process = subprocess.Popen(command, stdin=end, stdout=end)  # noqa: S603 - ours
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()

    async def answer(self, ask: Ask) -> tuple[int, ...] | None:
        """Return what it counts, None for texts that cannot be counted exactly.

        Raises:
            OSError: It does not answer, or not in time.
        """
        loop, line = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(ANSWER_S):
                await loop.sock_sendall(self._socket, msgspec.json.encode(ask) + b"\n")
                while not line.endswith(b"\n"):
                    piece = await loop.sock_recv(self._socket, ANSWER_BYTES)
                    if not piece:
                        break
                    line += piece
            told = _TOLD.decode(line)
        except (TimeoutError, msgspec.DecodeError) as error:
            raise OSError("the process that counts does not answer") from error
        totals = [total for total in told.totals if total is not None]
        return tuple(totals) if len(totals) == len(ask.tokenizers) else None

    def end(self) -> None:
        """End it; what it counts now is for nobody."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def tallying() -> Tallying | None:
    """Return what counts for a worker, None where no tokenizer is installed."""
    if not is_installed():
        return None
    return Tallying((sys.executable, "-m", "headgate.node.tally_process"))
