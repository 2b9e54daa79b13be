"""The hot path alone, in one process without sockets: `python -m bench.hot_path [--profile]`.

Bytes go into the edge and out of it, through pipeline, journal and a pooled upstream connection
whose transports only take what is written. It says what a change of the code costs or saves far
more steadily than a run over sockets does; what is quoted is the paired run.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from bench.configuration import KEY, Setup
from bench.launch import prepare
from headgate.app import Steward, data_plane
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.pipeline import Pipeline
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.gateway.upstream.pool import Pool
from headgate.gateway.world import World
from headgate.identity.directory import Credential
from headgate.records.control import Answered, ControlRequest
from headgate.store.journal_writer import JournalWriter

REPEATS = 7
CALLS = 3_000
STREAMS = 500
AGENT_TURNS = 60
AGENT_BYTES = 2_000
CHUNKS = 25
TOGETHER = 32
"""So many calls come in one turn of the loop where a worker is busy."""
PROFILED_LINES = 50

_TEXT = b"w" * 700
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Speech(NamedTuple):
    """What a provider of one dialect answers.

    Attributes:
        pool: The place of its connections among the world's.
        model: The alias whose deployments it serves.
        answer: A whole reply's body.
        begin: The first bytes of a stream; `chunk` is one event of it, `end` its last ones.
    """

    pool: int
    model: bytes
    answer: bytes
    begin: bytes
    chunk: bytes
    end: bytes


_USAGE = b'"usage":{"prompt_tokens":21,"completion_tokens":25,"total_tokens":46}'
_WORD = (
    b'data: {"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
)
CHAT = Speech(
    pool=0,
    model=b"m",
    answer=b'{"id":"chatcmpl-1","model":"m","choices":[{"message":{"content":"%b"}}],%b}'
    % (_TEXT, _USAGE),
    begin=b"",
    chunk=_WORD,
    end=b'data: {"id":"chatcmpl-1","model":"m","choices":[],%b}\n\ndata: [DONE]\n\n' % _USAGE,
)

_COUNTS = b'"usage":{"input_tokens":21,"output_tokens":25}'
_MESSAGE = b'"id":"msg_1","type":"message","role":"assistant","model":"m",%b' % _COUNTS
MESSAGES = Speech(
    pool=1,
    model=b"t",
    answer=b'{%b,"stop_reason":"end_turn","content":[{"type":"text","text":"%b"}]}'
    % (_MESSAGE, _TEXT),
    begin=b'data: {"type":"message_start","message":{%b,"content":[]}}\n\n'
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    % _MESSAGE,
    chunk=b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}'
    b"\n\n",
    end=b'data: {"type":"content_block_stop","index":0}\n\n'
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},%b}\n\n'
    b'data: {"type":"message_stop"}\n\n' % _COUNTS,
)


class Sink(asyncio.Transport):
    """A transport that keeps the bytes of the last two writes."""

    def __init__(self) -> None:
        super().__init__()
        self.before = self.last = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what is sent."""
        self.before, self.last = self.last, bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def is_closing(self) -> bool:
        """It stays open."""
        return False


class NoSteward:
    """Answers nothing."""

    def send(self, _request: ControlRequest, _answered: Answered) -> bool:
        """Say that nobody can be asked now."""
        return False


def request(model: bytes, more: bytes = b"") -> bytes:
    """Return a whole request for a completion."""
    text = b"".join(b"%c" % (97 + i % 23) for i in range(600))
    body = b'{"model":"%b","messages":[{"role":"user","content":"%b"}],"max_tokens":256%b}'
    return posted(body % (model, text, more))


def posted(body: bytes) -> bytes:
    """Return a whole request with a body."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer %b\r\n"
    head += b"content-type: application/json\r\naccept: */*\r\nuser-agent: bench\r\n"
    return b"%bcontent-length: %d\r\n\r\n%b" % (head % KEY.encode(), len(body), body)


def conversations(model: bytes) -> list[bytes]:
    """Return the requests of a conversation, from half its turns on: each goes on with the last."""
    text = "".join(chr(97 + i % 23) for i in range(AGENT_BYTES))
    said = [{"role": ("user", "assistant")[at % 2], "content": text} for at in range(AGENT_TURNS)]
    turns = (said[: at + 1] for at in range(AGENT_TURNS // 2, AGENT_TURNS, 2))
    bodies = ({"model": model.decode(), "messages": each, "max_tokens": 256} for each in turns)
    return [posted(json.dumps(each, separators=(",", ":")).encode()) for each in bodies]


def framed(payload: bytes) -> bytes:
    """Return a payload as one chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


class HotPath:
    """A data plane between two sinks; clients speak Chat Completions, the provider `speech`.

    Attributes:
        client: What the client is sent.
    """

    def __init__(self, folder: Path, speech: Speech = CHAT) -> None:
        config, data_dir = prepare(Setup(9200, "http://127.0.0.1:9100"), folder)
        self._soon: list[Callable[[], None]] = []
        world = _world(load(config, os.environ), data_dir, self._soon.append)
        pool = world.pools[speech.pool]
        self.client = Sink()
        self._journal = world.journal
        self._pipeline = Pipeline(world)
        self._edge = ClientConnection(self._pipeline)
        self._edge.connection_made(self.client)
        self._upstream = self._upstream_of(pool)
        self._pool, self._others = pool, list[ClientConnection]()
        self._upstreams: list[UpstreamConnection] = []
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._answer = head % len(speech.answer) + speech.answer
        self._asked = request(speech.model)
        self._talks = cycle(conversations(speech.model))
        streamed = b',"stream":true,"stream_options":{"include_usage":true}'
        self._asked_stream = request(speech.model + b"-c25-d20", streamed)
        self._chunk = framed(speech.chunk)
        self._begin = _STREAM_HEAD + (framed(speech.begin) if speech.begin else b"")
        self._end = framed(speech.end) + b"0\r\n\r\n"

    def call(self) -> None:
        """Carry a call that is not streamed."""
        self._read(self._edge, self._asked)
        self._read(self._upstream, self._answer)

    def converse(self) -> None:
        """Carry a call of an agent, which sends all that was said before, and one turn more."""
        self._read(self._edge, next(self._talks))
        self._read(self._upstream, self._answer)

    def turn(self) -> None:
        """Carry as many calls as come in one turn; their replies come in one as well."""
        while len(self._others) < TOGETHER:
            other = ClientConnection(self._pipeline)
            other.connection_made(Sink())
            self._others.append(other)
            self._upstreams.append(self._upstream_of(self._pool))
        for client in self._others:
            client.data_received(self._asked)
        self._end_turn()
        for upstream in (self._upstream, *self._upstreams):
            if upstream.exchange is not None:
                upstream.data_received(self._answer)
        self._end_turn()

    def stream(self) -> None:
        """Carry a streamed call; each chunk is a read of its own."""
        self._read(self._edge, self._asked_stream)
        self._read(self._upstream, self._begin + self._chunk)
        for _ in range(CHUNKS - 1):
            self._read(self._upstream, self._chunk)
        self._read(self._upstream, self._end)

    def _read(self, connection: ClientConnection | UpstreamConnection, data: bytes) -> None:
        """Give a connection what it reads, and let the loop turn until nothing is left to do."""
        connection.data_received(data)
        self._end_turn()

    def _end_turn(self) -> None:
        while self._soon:
            self._soon.pop(0)()

    def _upstream_of(self, pool: Pool) -> UpstreamConnection:
        """Return a connection that waits in the pool."""
        made = UpstreamConnection(pool)
        made.connection_made(Sink())
        pool.put(made)
        return made

    def turns_us(self, asked: bytes) -> list[float]:
        """Carry a call that arrives in one read; return what each turn of the loop took of it."""
        started = time.process_time()
        self._edge.data_received(asked)
        took = [time.process_time() - started]
        while self._soon:
            started = time.process_time()
            self._soon.pop(0)()
            took.append(time.process_time() - started)
        self._read(self._upstream, self._answer)
        return [each * 1e6 for each in took]

    def time_us(self, work: Callable[[], None], number: int) -> float:
        """Return the least CPU time that `work` takes; the journal's next segment comes between."""
        best_s = float("inf")
        for _ in range(REPEATS):
            self._journal.prepare()
            best_s = min(best_s, timeit.timeit(work, number=number, timer=time.process_time))
        return best_s * 1e6 / number


def _world(
    snapshot: Snapshot, data_dir: Path, call_soon: Callable[[Callable[[], None]], None]
) -> World:
    journal = JournalWriter(data_dir / "journal", worker="bench", epoch="0", at_ns=time.time_ns())
    steward = Steward(ask=lambda _needs: False, control=NoSteward(), ready=lambda: True)
    world = data_plane(
        snapshot,
        pepper=bytes(32),
        journal=journal,
        steward=steward,
        now_ns=time.time_ns,
        call_soon=call_soon,
    )
    load = Credential("generator", "generator", "load", None)
    for piece in world.paths.find(load, None, (), time.time_ns()).slices:
        piece.granted_nanos = 10**18
    return world


def _together_us(speech: Speech) -> float:
    """Return what a call takes where many come in a turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = HotPath(Path(folder), speech)
        return path.time_us(path.turn, CALLS // TOGETHER) / TOGETHER


def main() -> int:
    """Time the paths, or show where the time of one goes; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.hot_path", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="functions by their own time")
    parser.add_argument("--translated", action="store_true", help="profile what is translated")
    arguments = parser.parse_args()
    for name, speech in (("plain", CHAT), ("translated", MESSAGES)):
        with tempfile.TemporaryDirectory() as folder:
            path = HotPath(Path(folder), speech)
            call_us = path.time_us(path.call, CALLS)
            stream_us = path.time_us(path.stream, STREAMS)
            agent_us = path.time_us(path.converse, AGENT_TURNS * 2)
            sys.stdout.write(
                f"{name} {call_us:.1f} us a call, {_together_us(speech):.1f} of {TOGETHER} at once;"
                f" a stream of {CHUNKS} chunks {stream_us:.1f} us,"
                f" {(stream_us - call_us) / CHUNKS:.2f} us a chunk beyond the call;"
                f" an agent's call of {AGENT_TURNS // 2} to {AGENT_TURNS} turns {agent_us:.1f} us\n"
            )
            if arguments.profile and arguments.translated == (speech is MESSAGES):
                profile = cProfile.Profile()
                profile.runcall(path.time_us, path.call, CALLS)
                pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED_LINES)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
